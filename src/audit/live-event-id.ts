const EVENT_ID = /^(\d{1,18})-[0-9a-f-]{36}$/;

/** Names an event of the live tail: what ended, and its place in the order of endings. */
export function liveEventId(position: bigint, interceptionId: string): string {
  return `${position}-${interceptionId}`;
}

/** The place of the event that a client received last; undefined when the text names none. */
export function positionOf(eventId: string): bigint | undefined {
  const position = EVENT_ID.exec(eventId)?.[1];
  return position === undefined ? undefined : BigInt(position);
}
