const EVENT_ID = /^(\d{1,18})-[0-9a-f-]{36}$/;

const NOTHING = '00000000-0000-0000-0000-000000000000';

/** Names an event of the live tail: what ended, if anything did, and its place in the order of endings. */
export function liveEventId(position: bigint, interceptionId = NOTHING): string {
  return `${position}-${interceptionId}`;
}

/** The place of the event that a client received last; undefined when the text names none. */
export function positionOf(eventId: string): bigint | undefined {
  const position = EVENT_ID.exec(eventId)?.[1];
  return position === undefined ? undefined : BigInt(position);
}
