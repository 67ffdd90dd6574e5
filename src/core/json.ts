/**
 * Narrow readers over vendor JSON: the few fields that are needed are looked at,
 * the rest is left alone. Nothing here throws on a shape that it did not expect.
 */
export interface JsonObject {
  readonly [key: string]: unknown;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function parseObject(text: string): JsonObject | undefined {
  const value = parseJson(text);
  return isObject(value) ? value : undefined;
}

/**
 * Whether the text of an object is there to its end: not when it was cut off. Takes half
 * of the time that reading it takes and no memory; what stands in it is not checked.
 */
export function isClosed(text: string): boolean {
  if (!text.startsWith('{')) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x22: // a quote
        at = endOfString(text, at);
        if (at === -1) return false;
        break;
      case 0x7b: // {
        depth += 1;
        break;
      case 0x7d: // }
        depth -= 1;
        if (depth === 0) return at === text.length - 1;
        break;
    }
  }
  return false;
}

/** Where the string ends that opens here, or -1. */
function endOfString(text: string, opening: number): number {
  let at = opening;
  do at = text.indexOf('"', at + 1);
  while (at !== -1 && isEscaped(text, at));
  return at;
}

function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text.charCodeAt(before - 1) === 0x5c) before -= 1;
  return (at - before) % 2 === 1;
}

export function objectAt(object: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = object?.[key];
  return isObject(value) ? value : undefined;
}

export function arrayAt(object: JsonObject | undefined, key: string): readonly unknown[] {
  const value = object?.[key];
  return Array.isArray(value) ? value : [];
}

export function stringAt(object: JsonObject | undefined, key: string): string | undefined {
  const value = object?.[key];
  return typeof value === 'string' ? value : undefined;
}

/** A count as vendors send it: a whole number that is not negative. */
export function countAt(object: JsonObject | undefined, key: string): number | undefined {
  const value = object?.[key];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** JSON in place of a value, or words to that effect: a model may nest its input too deeply to be written. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return '(nested too deeply to be recorded)';
    throw error;
  }
}
