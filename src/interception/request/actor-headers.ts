import type { Caller } from '../../identity/index.ts';

const PREFIX = 'X-AI-Bridge-Actor-';

/** A request has to stay one that servers take: most stop at 8 or 16 KiB of headers. */
const METADATA_COUNT_MAX = 16;
const NAME_LENGTH_MAX = 64;
const VALUE_LENGTH_MAX = 512;

/**
 * Who calls, for the provider. Values are visible ASCII: anything else, and `%`, is
 * percent-encoded UTF-8, so that `decodeURIComponent` gives back what the record says.
 * Names are letters, digits and hyphens, any other character a hyphen. Metadata that do
 * not fit are left out, never cut: too many, too long, or named like one before.
 */
export function actorHeaders({ id, metadata }: Pick<Caller, 'id' | 'metadata'>): string[] {
  const headers = [`${PREFIX}ID`, encoded(id)];
  const names = new Set<string>();
  for (const [key, text] of Object.entries(metadata)) {
    const name = key.replaceAll(/[^A-Za-z0-9-]/gu, '-');
    const value = encoded(text);
    const isFit = /[^-]/.test(name) && name.length <= NAME_LENGTH_MAX;
    if (!isFit || value.length > VALUE_LENGTH_MAX || names.has(name.toLowerCase())) continue;
    if (names.size === METADATA_COUNT_MAX) break;
    names.add(name.toLowerCase());
    headers.push(`${PREFIX}Metadata-${name}`, value);
  }
  return headers;
}

function encoded(text: string): string {
  return text.toWellFormed().replaceAll(/[^!-$&-~]/gu, encodeURIComponent);
}
