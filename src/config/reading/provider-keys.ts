import type { KeySecret } from '../../core/key-secret.ts';
import { parseKey, parseKeys, parseKeysFile } from './key-list.ts';
import type { KeyList } from './key-list.ts';
import type { KeySources } from '../settings/family-settings.ts';
import { nameAt } from '../settings/setting.ts';
import type { SettingsReader } from './settings-reader.ts';
import { secretFilePath } from '../values/value-types.ts';

interface ProviderKeys {
  readonly keys: readonly KeySecret[];
  readonly keysFile: string | undefined;
}

/** Every source is checked; of several the last one in the order of the documentation serves. */
export function readKeys(
  reader: SettingsReader,
  sources: KeySources,
  index?: number,
): ProviderKeys {
  const key = reader.read(sources.key, index);
  const keys = reader.read(sources.keys, index);
  const keysFile = reader.read(sources.keysFile, index);
  const fileName = nameAt(sources.keysFile, index);
  const fileText =
    keysFile === undefined ? undefined : reader.readFile(fileName, keysFile, secretFilePath.show);

  const lists = [
    { name: fileName, list: parsed(parseKeysFile, fileText) },
    { name: nameAt(sources.keys, index), list: parsed(parseKeys, keys) },
    { name: nameAt(sources.key, index), list: parsed(parseKey, key) },
  ];
  const given = lists.flatMap(({ name, list }) => (list === undefined ? [] : [{ name, list }]));
  for (const { name, list } of given) report(reader, name, list);
  const [used, ...ignored] = given;
  for (const { name } of ignored) {
    reader.warnings.push(`${name}: is ignored because ${used?.name} is set too`);
  }
  return { keys: used?.list.kind === 'ok' ? used.list.keys : [], keysFile };
}

function parsed(parse: (text: string) => KeyList, text: string | undefined): KeyList | undefined {
  return text === undefined ? undefined : parse(text);
}

function report(reader: SettingsReader, name: string, list: KeyList): void {
  if (list.kind === 'ok') {
    if (name.endsWith('_FILE')) showKeys(reader, name, list.keys);
    return;
  }
  for (const problem of list.problems) reader.problems.push(`${name}: ${problem}`);
}

function showKeys(reader: SettingsReader, name: string, keys: readonly KeySecret[]): void {
  const path = reader.sources.get(name)?.value ?? '';
  reader.show(name, `${path} (${keys.join(', ')})`);
}
