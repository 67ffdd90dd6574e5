/** A server-sent event and where in the stream it is complete. */
export interface SentEvent {
  readonly name: string;
  readonly data: string;
  readonly endsAt: number;
}

const BLANK_LINE = /\r\n\r\n|\n\n/g;

/**
 * The events in what a simulator sent, read after the fact and all at once: nothing of it
 * is shared with the bridge, which reads them as they come. What follows the last blank
 * line is an event only if its data is whole.
 */
export function sentEvents(bytes: Buffer): SentEvent[] {
  const { events, rest } = split(bytes);
  return [...events, ...rest.filter((event) => !isBroken(event))];
}

/** The events, be it the last and torn one, of which the data is no JSON. */
export function brokenEvents(bytes: Buffer): SentEvent[] {
  const { events, rest } = split(bytes);
  return [...events, ...rest].filter(isBroken);
}

/** The events that ended, and what began after them. */
function split(bytes: Buffer): Record<'events' | 'rest', SentEvent[]> {
  const text = bytes.toString('latin1');
  const events: SentEvent[] = [];
  let start = 0;
  for (const { index, 0: blank } of text.matchAll(BLANK_LINE)) {
    const endsAt = index + blank.length;
    events.push(...eventOf(text.slice(start, index), endsAt));
    start = endsAt;
  }
  return { events, rest: eventOf(text.slice(start), bytes.length) };
}

function isBroken({ data }: SentEvent): boolean {
  return data !== '[DONE]' && parsed(data) === undefined;
}

function eventOf(block: string, endsAt: number): SentEvent[] {
  const lines = block.split(/\r\n|\n/);
  const values = (field: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${field}: `) ? [line.slice(field.length + 2)] : []));
  const data = values('data').join('\n');
  return data === '' ? [] : [{ name: values('event').at(-1) ?? '', data, endsAt }];
}

/** Undefined for what is no JSON, as a malformed or broken frame. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The value at a path of names, undefined where there is none. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null ? Reflect.get(inner, name) : undefined,
    value,
  );
}
