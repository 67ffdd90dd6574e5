import type { KeySecret } from '../../core/key-secret.ts';
import { BEDROCK_RULES, regionIn, type BedrockConfig } from '../../providers/index.ts';
import { setOf } from '../settings/definition.ts';
import {
  BEDROCK,
  BEDROCK_SET,
  PROVIDER,
  type AwsCredentialSettings,
} from '../settings/family-settings.ts';
import { nameAt } from '../settings/setting.ts';
import type { Setting } from '../settings/setting.ts';
import { quoted } from '../settings/shown-text.ts';
import { secretFilePath } from '../values/value-types.ts';
import { awsKeyList, parseAwsCredentials, type AwsEntry } from './aws-credentials.ts';
import { parseBedrockRules } from './bedrock-rules.ts';
import type { KeyList } from './key-list.ts';
import type { SettingsReader } from './settings-reader.ts';

/** For an address that names none: a gateway's, or that of a simulated provider. */
const REGION_OTHERWISE = 'us-east-1';

export interface ReadBedrock {
  readonly bedrock: BedrockConfig;
  readonly keys: readonly KeySecret[];
  readonly keysFile: string | undefined;
}

/** All that a request would otherwise stumble over is checked here (P-40). */
export function readBedrock(
  reader: SettingsReader,
  index: number,
  { type, baseUrl }: { readonly type: string | undefined; readonly baseUrl: string | undefined },
): ReadBedrock | undefined {
  const region = reader.read(BEDROCK.region, index);
  const credentials = readCredentials(reader, index);
  const model = reader.read(BEDROCK.model, index);
  const smallFastModel = reader.read(BEDROCK.smallFastModel, index);
  const models = reader.read(BEDROCK.models, index) ?? [];
  const rules = readRules(reader, index);
  if (type !== 'bedrock') {
    if (type !== undefined) refuseForOtherType(reader, index, type);
    return undefined;
  }
  if (!reader.isGiven(PROVIDER.baseUrl, index)) need(reader, BEDROCK.region, index);
  need(reader, BEDROCK.model, index);
  need(reader, BEDROCK.smallFastModel, index);
  const bedrock = {
    region: signedRegion(reader, index, { region, baseUrl }),
    usesDefaultChain: !credentials.isAnyGiven,
    models,
    model: model ?? '',
    smallFastModel: smallFastModel ?? '',
    rules,
  };
  return { bedrock, keys: credentials.keys, keysFile: credentials.keysFile };
}

/** AWS refuses what is signed for another region than the one it is sent to. */
function signedRegion(
  reader: SettingsReader,
  index: number,
  {
    region,
    baseUrl,
  }: { readonly region: string | undefined; readonly baseUrl: string | undefined },
): string {
  const name = nameAt(BEDROCK.region, index);
  const named = baseUrl === undefined ? undefined : regionIn(baseUrl);
  if (region !== undefined) {
    if (named === undefined || named === region) return region;
    reader.warnings.push(`${name}: is ${quoted(region)}, and the base URL is of ${quoted(named)}`);
    return region;
  }
  reader.show(name, named ?? REGION_OTHERWISE);
  if (named !== undefined) return named;
  const signed = `calls are signed for ${REGION_OTHERWISE}`;
  reader.warnings.push(`${name}: is unset and the base URL names none, so ${signed}`);
  return REGION_OTHERWISE;
}

interface Credentials {
  readonly keys: readonly KeySecret[];
  readonly keysFile: string | undefined;
  readonly isAnyGiven: boolean;
}

/** Every source is checked; of several the last one in the order of the documentation serves. */
function readCredentials(reader: SettingsReader, index: number): Credentials {
  const keysFile = reader.read(BEDROCK.credentialsFile, index);
  const sources = [
    readFileOfSets(reader, index, keysFile),
    readSets(reader, index),
    readOne(reader, index),
  ];
  const given = sources.flatMap(({ name, list }) => (list === undefined ? [] : [{ name, list }]));
  for (const { name, list } of given) {
    if (list.kind === 'ok') continue;
    for (const problem of list.problems) reader.problems.push(`${name}: ${problem}`);
  }
  const [used, ...ignored] = given;
  for (const { name } of ignored) {
    reader.warnings.push(`${name}: is ignored because ${used?.name} is set too`);
  }
  return {
    keys: used?.list.kind === 'ok' ? used.list.keys : [],
    keysFile,
    isAnyGiven: keysFile !== undefined || used !== undefined,
  };
}

function readFileOfSets(reader: SettingsReader, index: number, path: string | undefined): Source {
  const name = nameAt(BEDROCK.credentialsFile, index);
  const text = path === undefined ? undefined : reader.readFile(name, path, secretFilePath.show);
  const list = text === undefined ? undefined : parseAwsCredentials(text);
  if (path !== undefined && list?.kind === 'ok') {
    reader.show(name, `${secretFilePath.show(path)} (${list.keys.join(', ')})`);
  }
  return { name, list };
}

interface Source {
  readonly name: string;
  readonly list: KeyList | undefined;
}

function readOne(reader: SettingsReader, index: number): Source {
  const name = nameAt(BEDROCK.accessKey, index);
  const entry = readSet(reader, BEDROCK, index, name);
  return { name, list: entry && awsKeyList([entry]) };
}

/** The sets with a number of their own, which count up from 0 like everything that is counted. */
function readSets(reader: SettingsReader, index: number): Source {
  const entries = setsOf(reader, index).map((set, position) => {
    const settings = numbered(set);
    const name = nameAt(settings.accessKey, index);
    if (set !== position) {
      const got = `number ${set} although number ${position} is not in use`;
      reader.refuse(name, got, 'numbers that count up from 0 without a gap');
    }
    return readSet(reader, settings, index, name);
  });
  const given = entries.filter((entry) => entry !== undefined);
  const name = nameAt(numbered(0).accessKey, index);
  return { name, list: given.length === 0 ? undefined : awsKeyList(given) };
}

/** The numbers of the sets that a provider has. */
function setsOf(reader: SettingsReader, index: number): number[] {
  const numbers = reader.names().map((name) => setOf(name, index));
  return [...new Set(numbers)].filter((set) => set !== undefined).toSorted((a, b) => a - b);
}

/** Undefined when nothing is given, and a problem when half of it is missing. */
function readSet(
  reader: SettingsReader,
  settings: AwsCredentialSettings,
  index: number,
  place: string,
): AwsEntry | undefined {
  const parts = [settings.accessKey, settings.secretKey, settings.sessionToken];
  const [accessKey, secretKey, token] = parts.map((part) => reader.read(part, index));
  if (!parts.some((part) => reader.isGiven(part, index))) return undefined;
  need(reader, settings.accessKey, index);
  need(reader, settings.secretKey, index);
  if (accessKey === undefined || secretKey === undefined) return undefined;
  return {
    accessKeyId: accessKey.reveal(),
    secretAccessKey: secretKey.reveal(),
    sessionToken: token?.reveal(),
    account: undefined,
    place,
  };
}

function numbered(set: number): AwsCredentialSettings {
  const at = <T>(setting: Setting<T>): Setting<T> => ({
    ...setting,
    name: setting.name.replace('<M>', String(set)),
  });
  const { accessKey, secretKey, sessionToken } = BEDROCK_SET;
  return { accessKey: at(accessKey), secretKey: at(secretKey), sessionToken: at(sessionToken) };
}

function readRules(reader: SettingsReader, index: number): BedrockConfig['rules'] {
  const path = reader.read(BEDROCK.rulesFile, index);
  const name = nameAt(BEDROCK.rulesFile, index);
  const text = path === undefined ? undefined : reader.readFile(name, path);
  if (text === undefined) return BEDROCK_RULES;
  const file = parseBedrockRules(text);
  if (file.kind === 'ok') return file.rules;
  reader.problems.push(`${name}: ${file.problem}, wants rules as the documentation has them`);
  return BEDROCK_RULES;
}

function need(reader: SettingsReader, setting: Setting<unknown>, index: number): void {
  if (reader.isGiven(setting, index)) return;
  reader.refuse(nameAt(setting, index), 'nothing', setting.type.wants);
}

function refuseForOtherType(reader: SettingsReader, index: number, type: string): void {
  const groups = [BEDROCK, ...setsOf(reader, index).map(numbered)];
  const all = groups.flatMap((group) => Object.values(group));
  for (const each of all) {
    if (!reader.isGiven(each, index)) continue;
    reader.refuse(nameAt(each, index), `a value for type ${type}`, 'it left out, or type bedrock');
  }
}
