import { BEDROCK, BEDROCK_SET, DUMP, MCP, PROVIDER, SHORT_FORMS } from './family-settings.ts';
import { PROXY } from './proxy-settings.ts';
import { nameAt } from './setting.ts';
import type { Setting } from './setting.ts';
import { AUDIT, BREAKER, IDENTITY, JWT, KEYS, LOG, SERVER } from './settings.ts';
import { TOOLS } from './tool-settings.ts';

export interface Section {
  readonly title: string;
  readonly settings: readonly Setting<unknown>[];
}

/** Every configuration variable there is, in the order of the documentation. */
export const SECTIONS: readonly Section[] = [
  { title: 'Server and database', settings: Object.values(SERVER) },
  { title: 'Providers', settings: [PROVIDER, DUMP, BEDROCK, BEDROCK_SET].flatMap(settingsOf) },
  {
    title: 'Short form of one provider with the default name',
    settings: SHORT_FORMS.flatMap((form) => Object.values(form.settings)),
  },
  { title: 'Way to the providers', settings: Object.values(PROXY) },
  { title: 'Keys and circuit breaker', settings: [KEYS, BREAKER].flatMap(settingsOf) },
  { title: 'Identity', settings: [IDENTITY, JWT].flatMap(settingsOf) },
  { title: 'Audit', settings: Object.values(AUDIT) },
  { title: 'MCP servers', settings: [MCP, TOOLS].flatMap(settingsOf) },
  { title: 'Logs', settings: Object.values(LOG) },
];

function settingsOf(group: Readonly<Record<string, Setting<unknown>>>): Setting<unknown>[] {
  return Object.values(group);
}

const NAMES: ReadonlySet<string> = new Set(
  SECTIONS.flatMap(({ settings }) => settings).flatMap(({ name, hasFileForm }) =>
    hasFileForm ? [name, `${name}_FILE`] : [name],
  ),
);

/** Index 9999 is more than anybody configures and keeps a gap report sane. */
const INDEXED_NAME = /^(AIBRIDGE_(?:PROVIDER|MCP)_)(0|[1-9]\d{0,3})(_.*)$/;

/** The sets of credentials of one provider have a number of their own. */
const SET_NAME = /^(AIBRIDGE_PROVIDER_(?:<N>|\d+)_BEDROCK_)(0|[1-9]\d{0,3})(_.*)$/;

/** The number in the name of an indexed variable that exists, such as 0 in `AIBRIDGE_PROVIDER_0_TYPE`. */
export function indexOf(name: string, family: Setting<unknown>): number | undefined {
  const [, prefix = '', index] = INDEXED_NAME.exec(name) ?? [];
  const isOfFamily = index !== undefined && family.name.startsWith(`${prefix}<N>`);
  return isOfFamily && NAMES.has(defined(name)) ? Number(index) : undefined;
}

/** The number of a set of credentials in a name such as `AIBRIDGE_PROVIDER_0_BEDROCK_1_ACCESS_KEY`. */
export function setOf(name: string, provider: number): number | undefined {
  const [, prefix, set] = SET_NAME.exec(name) ?? [];
  const isIts = prefix === `AIBRIDGE_PROVIDER_${provider}_BEDROCK_` && NAMES.has(defined(name));
  return isIts ? Number(set) : undefined;
}

export function isKnownName(name: string): boolean {
  return NAMES.has(defined(name)) && !/<[NM]>/.test(name);
}

/** The name as it stands in the definition. */
function defined(name: string): string {
  return name.replace(INDEXED_NAME, '$1<N>$3').replace(SET_NAME, '$1<M>$3');
}

/** Every name, with the given index where it has one. */
export function knownNames(index: number): string[] {
  return [...NAMES].map((name) => nameAt({ name }, index));
}
