/** What PostgreSQL has no text for: the NUL character and half surrogate pairs. */
const UNSTORABLE = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
/** The same, as JSON.stringify writes it. Finds a few innocent lines too, which costs only time. */
const UNSTORABLE_IN_JSON = /\\u(?:0000|d[89a-f])/;

/** As JSON that PostgreSQL takes; nearly always what JSON.stringify says. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  return mayBeUnstorable(json) ? JSON.stringify(storable(value)) : json;
}

/** True when some string of the value, as written by JSON.stringify, may not be storable. */
function mayBeUnstorable(json: string): boolean {
  return UNSTORABLE_IN_JSON.test(json);
}

/** The value with every unstorable character written out as its escape (`\u0000`), the rest as it was. */
function storable(value: unknown): unknown {
  return mapStrings(value, escapeUnstorable);
}

function escapeUnstorable(text: string): string {
  return text.replaceAll(
    UNSTORABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [map(key), mapStrings(item, map)]),
  );
}
