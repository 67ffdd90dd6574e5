import type { BedrockConfig, ProviderConfig, ProviderType } from '../settings/bridge-config.ts';
import { readBedrock } from './bedrock.ts';
import { PROVIDER, SHORT_FORMS } from '../settings/family-settings.ts';
import { readKeys } from './provider-keys.ts';
import { nameAt } from '../settings/setting.ts';
import type { SettingsReader } from './settings-reader.ts';
import { quoted } from '../settings/shown-text.ts';

const BASE_URLS = {
  anthropic: 'https://api.anthropic.com',
  openai: 'https://api.openai.com/v1',
  copilot: 'https://api.individual.githubcopilot.com',
} as const;

/** A provider and the variable that named it. */
interface Named {
  readonly provider: ProviderConfig;
  readonly namedBy: string;
}

/**
 * Exactly the providers that are configured, in whichever form; with none configured,
 * one of each type that works without configuration, to which callers bring their keys.
 */
export function readProviders(reader: SettingsReader): ProviderConfig[] {
  const short = SHORT_FORMS.map((form) => readShortForm(reader, form));
  const indices = reader.indices(PROVIDER.type);
  const indexed = indices.map((index) => readIndexed(reader, index));
  const found = [...short, ...indexed].filter((each) => each !== undefined);
  refuseSharedNames(reader, found);
  if (found.length > 0 || indices.length > 0) return found.map(({ provider }) => provider);
  return (['anthropic', 'openai', 'copilot'] as const).map(withDefaults);
}

function withDefaults(type: keyof typeof BASE_URLS): ProviderConfig {
  return {
    type,
    name: type,
    baseUrl: BASE_URLS[type],
    keys: [],
    keysFile: undefined,
    maxRetries: PROVIDER.maxRetries.fallback,
    connectTimeoutMs: PROVIDER.connectTimeout.fallback,
    firstByteTimeoutMs: PROVIDER.firstByteTimeout.fallback,
    idleTimeoutMs: PROVIDER.idleTimeout.fallback,
    dumpDir: undefined,
    allowByok: PROVIDER.allowByok.fallback,
    bedrock: undefined,
  };
}

function readShortForm(
  reader: SettingsReader,
  { type, settings }: (typeof SHORT_FORMS)[number],
): Named | undefined {
  const given = Object.values(settings).find((each) => reader.isGiven(each));
  if (given === undefined) return undefined;
  const keys = readKeys(reader, settings);
  const baseUrl = reader.read(settings.baseUrl) ?? BASE_URLS[type];
  reader.show(settings.baseUrl.name, baseUrl);
  return { provider: { ...withDefaults(type), ...keys, baseUrl }, namedBy: given.name };
}

function readIndexed(reader: SettingsReader, index: number): Named | undefined {
  const type = reader.read(PROVIDER.type, index);
  if (type === undefined && !reader.isGiven(PROVIDER.type, index)) {
    reader.refuse(nameAt(PROVIDER.type, index), 'nothing', PROVIDER.type.type.wants);
  }
  const name = reader.read(PROVIDER.name, index);
  const rest = readRest(reader, index);
  const bedrock = readBedrock(reader, index, type);
  if (type === undefined) return undefined;

  const provider = {
    ...rest,
    type,
    name: name ?? type,
    baseUrl: rest.baseUrl ?? defaultBaseUrl(type, bedrock),
    bedrock,
  };
  reader.show(nameAt(PROVIDER.name, index), provider.name);
  reader.show(nameAt(PROVIDER.baseUrl, index), provider.baseUrl);
  checkIndexed(reader, index, provider);
  const isNamed = reader.isGiven(PROVIDER.name, index);
  if (isNamed && name === undefined) return undefined;
  return { provider, namedBy: nameAt(isNamed ? PROVIDER.name : PROVIDER.type, index) };
}

/** Read whatever the type, so that a wrong type hides no other problem. */
function readRest(reader: SettingsReader, index: number) {
  return {
    baseUrl: reader.read(PROVIDER.baseUrl, index),
    ...readKeys(reader, PROVIDER, index),
    maxRetries: reader.read(PROVIDER.maxRetries, index),
    connectTimeoutMs: reader.read(PROVIDER.connectTimeout, index),
    firstByteTimeoutMs: reader.read(PROVIDER.firstByteTimeout, index),
    idleTimeoutMs: reader.read(PROVIDER.idleTimeout, index),
    dumpDir: reader.read(PROVIDER.dumpDir, index),
    allowByok: reader.read(PROVIDER.allowByok, index),
  };
}

function defaultBaseUrl(type: ProviderType, bedrock: BedrockConfig | undefined): string {
  if (type !== 'bedrock') return BASE_URLS[type];
  return `https://bedrock-runtime.${bedrock?.region ?? ''}.amazonaws.com`;
}

const WITHOUT_KEYS = {
  copilot: 'it left out: every caller brings a token of their own',
  bedrock: 'it left out: the variables with BEDROCK hold its credentials',
} as const;

/** Rules that hold between the settings of one provider. */
function checkIndexed(reader: SettingsReader, index: number, provider: ProviderConfig): void {
  const { type, keys, allowByok } = provider;
  if (type === 'copilot' || type === 'bedrock') {
    const given = [PROVIDER.key, PROVIDER.keys, PROVIDER.keysFile].filter((each) =>
      reader.isGiven(each, index),
    );
    for (const each of given) {
      reader.refuse(nameAt(each, index), `a key for type ${type}`, WITHOUT_KEYS[type]);
    }
  }
  if (!allowByok && keys.length === 0 && type !== 'bedrock') {
    const name = nameAt(PROVIDER.allowByok, index);
    reader.warnings.push(`${name}: is false and there is no key, so every request is refused`);
  }
}

function refuseSharedNames(reader: SettingsReader, all: readonly Named[]): void {
  const owners = new Map<string, string>();
  for (const { provider, namedBy } of all) {
    const owner = owners.get(provider.name);
    const isShort = SHORT_FORMS.some(({ settings }) =>
      Object.values(settings).some(({ name }) => name === owner),
    );
    if (owner === undefined) {
      owners.set(provider.name, namedBy);
    } else if (isShort) {
      const got = `a provider named ${quoted(provider.name)} beside ${namedBy}`;
      reader.refuse(owner, got, 'one of the two removed');
    } else {
      const got = `duplicate provider name: ${quoted(provider.name)}, which ${owner} has`;
      reader.refuse(namedBy, got, 'a name of its own');
    }
  }
}
