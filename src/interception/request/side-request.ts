import { errorText } from '../../core/errors.ts';
import { parseObject, type JsonObject } from '../../core/json.ts';
import type { RequestFacts } from '../apis/api.ts';
import type { SideRoute } from '../apis/side-routes.ts';
import { decodeForReading } from './request-decoding.ts';

/** What could be read along of a request that is relayed as it came. */
export interface SideRequest {
  readonly facts: RequestFacts;
  readonly body: JsonObject | undefined;
  readonly notes: readonly string[];
}

export const NO_FACTS: RequestFacts = { model: '', isStreaming: false, turn: [] };

/** What cannot be read is noted, and the call is made all the same. */
export async function readSideRequest(
  bytes: Buffer,
  encoding: string | undefined,
  { api, readRequest, noteOf }: SideRoute,
): Promise<SideRequest> {
  if (readRequest === undefined || bytes.length === 0) return unread([]);
  if (bytes.length > READ_BYTES_MAX) return unread(['the request was too long to be read']);
  try {
    const json = await decodeForReading(bytes, encoding, READ_BYTES_MAX);
    const body = parseObject(json.toString('utf8'));
    if (body === undefined) return unread(['the request is not a JSON object']);
    return { facts: readRequest(body, api), body, notes: noteOf ? [noteOf(body)] : [] };
  } catch (error) {
    return unread([`the request could not be read: ${errorText(error)}`]);
  }
}

/** Nothing waits for what is read here, so it is not to take long. */
const READ_BYTES_MAX = 8 * 1024 * 1024;

function unread(notes: readonly string[]): SideRequest {
  return { facts: NO_FACTS, body: undefined, notes };
}
