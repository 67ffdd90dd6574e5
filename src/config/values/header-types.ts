import { Secret } from '../../core/secret.ts';
import { headerName, type ValueType } from './value-types.ts';

export interface SecretHeader {
  readonly name: string;
  readonly value: Secret;
}

/** A header whose value is put together from what is known of a caller. */
export interface HeaderTemplate {
  readonly name: string;
  readonly parts: readonly TemplatePart[];
}

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'id' }
  | { readonly kind: 'metadata'; readonly name: string };

/** What the protocol or the connection says by itself. */
const RESERVED =
  /^(accept|accept-encoding|connection|content-(length|type|encoding)|expect|host|keep-alive|last-event-id|mcp-.*|te|trailer|transfer-encoding|upgrade)$/;

const WANTS =
  'name=value pairs separated by commas, with commas and percent signs of values percent-encoded, and without headers of the protocol itself';

/** The format of `OTEL_EXPORTER_OTLP_HEADERS`. */
export const secretHeaders: ValueType<readonly SecretHeader[]> = {
  wants: WANTS,
  read: (text) => pairs(text, (name, value) => ({ name, value: new Secret(value) })),
  show: namesOnly,
};

export const headerTemplates: ValueType<readonly HeaderTemplate[]> = {
  wants: `${WANTS}, in which {id} and {metadata.<name>} are the only braces`,
  read: (text) =>
    pairs(text, (name, value) => {
      const parts = templateParts(value);
      return parts && { name, parts };
    }),
  show: namesOnly,
};

function namesOnly(text: string): string {
  return text.replace(/=[^,]*/g, '=…');
}

/** Undefined when one of them is wrong, or when there are two of a name. */
function pairs<T extends { readonly name: string }>(
  text: string,
  make: (name: string, value: string) => T | undefined,
): T[] | undefined {
  const texts = text.split(',');
  const found = texts.map((pair) => readPair(pair, make)).filter((pair) => pair !== undefined);
  const names = new Set(found.map(({ name }) => name));
  return names.size === texts.length ? found : undefined;
}

function readPair<T>(
  text: string,
  make: (name: string, value: string) => T | undefined,
): T | undefined {
  const [, rawName = '', rawValue = ''] = /^([^=]*)=(.*)$/.exec(text) ?? [];
  const name = headerName.read(rawName.trim());
  const value = percentDecoded(rawValue.trim());
  if (name === undefined || RESERVED.test(name)) return undefined;
  return value !== undefined && /^[ -~]+$/.test(value) ? make(name, value) : undefined;
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function templateParts(value: string): TemplatePart[] | undefined {
  const parts = value
    .split(/(\{[^{}]*\})/)
    .filter((text) => text !== '')
    .map(templatePart);
  const known = parts.filter((part) => part !== undefined);
  return known.length === parts.length ? known : undefined;
}

function templatePart(text: string): TemplatePart | undefined {
  if (text === '{id}') return { kind: 'id' };
  const [, name] = /^\{metadata\.([^{}]+)\}$/.exec(text) ?? [];
  if (name !== undefined) return { kind: 'metadata', name };
  return /[{}]/.test(text) ? undefined : { kind: 'text', text };
}
