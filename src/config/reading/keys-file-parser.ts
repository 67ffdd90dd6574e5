import { parseAwsCredentials } from './aws-credentials.ts';
import { parseKeysFile, type KeyList } from './key-list.ts';

/** How the file with the keys of a provider reads. */
export function keysFileParser(type: string): (text: string) => KeyList {
  return type === 'bedrock' ? parseAwsCredentials : parseKeysFile;
}
