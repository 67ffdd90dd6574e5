import { setTimeout as delay } from 'node:timers/promises';

export interface LiveEvent {
  readonly type: string;
  readonly data: unknown;
}

/** Answers a tail that goes on after the event with this id, or from now on. */
type Open = (lastEventId: string | undefined) => Promise<Response>;

const RETRY_MS = 1_000;

/**
 * What ends, for as long as anybody wants to know: when the bridge goes away, it is asked again, or
 * another one behind the same address, from where it was. Returns an answer that is a refusal.
 */
export async function* followed(
  open: Open,
  onBreak: (reason: string) => void,
): AsyncGenerator<LiveEvent, Response> {
  const place: Place = { lastEventId: undefined };
  let res = await open(undefined);
  for (;;) {
    if (!res.ok && res.status < 500) return res;
    if (res.ok) {
      yield* eventsOf(res, place);
      onBreak('the stream has ended; going on where it was as soon as the bridge answers');
    }
    res = await opened(open, place.lastEventId);
  }
}

interface Place {
  lastEventId: string | undefined;
}

async function opened(open: Open, lastEventId: string | undefined): Promise<Response> {
  for (;;) {
    await delay(RETRY_MS);
    try {
      return await open(lastEventId);
    } catch {
      // Still away.
    }
  }
}

/** Whole events only: the one that a break cuts through comes again. */
async function* eventsOf(res: Response, place: Place): AsyncGenerator<LiveEvent, void> {
  const decoder = new TextDecoder();
  let unread = '';
  try {
    for await (const bytes of res.body ?? []) {
      unread += decoder.decode(bytes, { stream: true });
      const blocks = unread.split('\n\n');
      unread = blocks.pop() ?? '';
      for (const block of blocks) yield* eventOf(block, place);
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // The connection was lost.
  }
}

/** None in a heartbeat, which only says where to go on from. */
function* eventOf(block: string, place: Place): Generator<LiveEvent, void> {
  const fields = new Map(
    [...block.matchAll(/^(\w+): ?(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  place.lastEventId = fields.get('id') ?? place.lastEventId;
  const data = fields.get('data');
  if (data !== undefined) yield { type: fields.get('event') ?? 'message', data: JSON.parse(data) };
}
