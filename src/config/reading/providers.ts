import {
  PROVIDERS,
  providerOfType,
  regionalBaseUrl,
  type BedrockConfig,
  type Provider,
} from '../../providers/index.ts';
import type { ProviderConfig } from '../settings/bridge-config.ts';
import { readBedrock } from './bedrock.ts';
import { PROVIDER, SHORT_FORMS, type ShortForm } from '../settings/family-settings.ts';
import { readKeys } from './provider-keys.ts';
import { readProxies } from './proxies.ts';
import { nameAt } from '../settings/setting.ts';
import type { SettingsReader } from './settings-reader.ts';
import { quoted } from '../settings/shown-text.ts';

/** Where it is does not say yet how to get there. */
type Unrouted = Omit<ProviderConfig, 'proxy'>;

/** A provider and the variable that named it. */
interface Named {
  readonly provider: Unrouted;
  readonly namedBy: string;
}

/**
 * Exactly the providers that are configured, in whichever form; with none configured,
 * one of each type that callers bring their keys to.
 */
export function readProviders(reader: SettingsReader): ProviderConfig[] {
  const proxyOf = readProxies(reader);
  return readUnrouted(reader).map((each) => ({ ...each, proxy: proxyOf(each.baseUrl) }));
}

function readUnrouted(reader: SettingsReader): Unrouted[] {
  const short = SHORT_FORMS.map((form) => readShortForm(reader, form));
  const indices = reader.indices(PROVIDER.type);
  const indexed = indices.map((index) => readIndexed(reader, index));
  const found = [...short, ...indexed].filter((each) => each !== undefined);
  refuseSharedNames(reader, found);
  if (found.length > 0 || indices.length > 0) return found.map(({ provider }) => provider);
  return PROVIDERS.filter(({ takesCallerKeys }) => takesCallerKeys).map(withDefaults);
}

function withDefaults({ type, baseUrl }: Provider): Unrouted {
  return {
    type,
    name: type,
    baseUrl,
    keys: [],
    keysFile: undefined,
    maxRetries: PROVIDER.maxRetries.fallback,
    waitForKeyMs: PROVIDER.waitForKey.fallback,
    connectTimeoutMs: PROVIDER.connectTimeout.fallback,
    firstByteTimeoutMs: PROVIDER.firstByteTimeout.fallback,
    idleTimeoutMs: PROVIDER.idleTimeout.fallback,
    totalTimeoutMs: undefined,
    dumpDir: undefined,
    allowByok: PROVIDER.allowByok.fallback,
    bedrock: undefined,
  };
}

function readShortForm(
  reader: SettingsReader,
  { provider, settings }: ShortForm,
): Named | undefined {
  const given = Object.values(settings).find((each) => reader.isGiven(each));
  if (given === undefined) return undefined;
  const keys = readKeys(reader, settings);
  const baseUrl = reader.read(settings.baseUrl) ?? provider.baseUrl;
  reader.show(settings.baseUrl.name, baseUrl);
  return { provider: { ...withDefaults(provider), ...keys, baseUrl }, namedBy: given.name };
}

function readIndexed(reader: SettingsReader, index: number): Named | undefined {
  const type = reader.read(PROVIDER.type, index);
  if (type === undefined && !reader.isGiven(PROVIDER.type, index)) {
    reader.refuse(nameAt(PROVIDER.type, index), 'nothing', PROVIDER.type.type.wants);
  }
  const name = reader.read(PROVIDER.name, index);
  const rest = readRest(reader, index);
  const aws = readBedrock(reader, index, { type, baseUrl: rest.baseUrl });
  if (type === undefined) return undefined;

  const provider = {
    ...rest,
    bedrock: undefined,
    ...aws,
    type,
    name: name ?? type,
    baseUrl: rest.baseUrl ?? defaultBaseUrl(type, aws?.bedrock),
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
  const totalTimeout = reader.read(PROVIDER.totalTimeout, index);
  return {
    baseUrl: reader.read(PROVIDER.baseUrl, index),
    ...readKeys(reader, PROVIDER, index),
    maxRetries: reader.read(PROVIDER.maxRetries, index),
    waitForKeyMs: reader.read(PROVIDER.waitForKey, index),
    connectTimeoutMs: reader.read(PROVIDER.connectTimeout, index),
    firstByteTimeoutMs: reader.read(PROVIDER.firstByteTimeout, index),
    idleTimeoutMs: reader.read(PROVIDER.idleTimeout, index),
    totalTimeoutMs: totalTimeout === 'off' ? undefined : totalTimeout,
    dumpDir: reader.read(PROVIDER.dumpDir, index),
    allowByok: reader.read(PROVIDER.allowByok, index),
  };
}

function defaultBaseUrl(type: string, bedrock: BedrockConfig | undefined): string {
  return bedrock ? regionalBaseUrl(bedrock.region) : (providerOfType(type)?.baseUrl ?? '');
}

/** Why a type takes no keys, if it takes none. */
function keysRefused(type: string): string | undefined {
  if (type === 'bedrock') return 'it left out: the variables with BEDROCK hold its credentials';
  if (providerOfType(type)?.hasCentralKeys === true) return undefined;
  return 'it left out: every caller brings a token of their own';
}

/** Rules that hold between the settings of one provider. */
function checkIndexed(reader: SettingsReader, index: number, provider: Unrouted): void {
  const { type, keys, allowByok } = provider;
  const refusal = keysRefused(type);
  if (refusal !== undefined) {
    const given = [PROVIDER.key, PROVIDER.keys, PROVIDER.keysFile].filter((each) =>
      reader.isGiven(each, index),
    );
    for (const each of given) {
      reader.refuse(nameAt(each, index), `a key for type ${type}`, refusal);
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
