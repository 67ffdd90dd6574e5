import type { SeenCall } from './expectation.ts';
import { parsed, sentEvents } from './sent-stream.ts';
import type { Tokens, TruthApi } from './truth-api.ts';

/** What an answer that is no stream says was used. */
export function usageOfBody(call: SeenCall, api: TruthApi): Tokens | undefined {
  return call.sent.status === 200 ? api.usageOf(parsed(call.sent.text)) : undefined;
}

/** What a stream may have said was used, up to each of its events that has not certainly been passed. */
export function usagesFrom(
  call: SeenCall,
  api: TruthApi,
  arrivedAtLeast: number,
): readonly (Tokens | undefined)[] {
  const events = sentEvents(call.sent.bytes);
  const passed = events.filter(({ endsAt }) => endsAt <= arrivedAtLeast).length;
  return Array.from({ length: events.length - passed + 1 }, (_, more) =>
    api.usageOfStream(events.slice(0, passed + more)),
  );
}
