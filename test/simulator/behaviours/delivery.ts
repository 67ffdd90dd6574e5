import type { Behaviour } from './behaviour.ts';

/**
 * A break in the answer: where, and what the reader's HTTP client sees. Counted
 * in events it comes before the last one at the latest, and in the middle of a
 * body that is no stream; `afterBytes: Infinity` is the place after the end.
 */
export interface Cut {
  readonly afterBytes?: number;
  readonly afterEvents?: number;
  /**
   * `clean`: a complete HTTP message that holds half an answer. `abrupt`: the
   * connection closes without the end of the HTTP body. `reset`: a TCP reset.
   */
  readonly end: 'clean' | 'abrupt' | 'reset';
}

/** When and in what pieces the bytes leave. `Infinity` waits for the test's `release()` or `step()`. */
export interface Delivery {
  readonly headersAfterMs?: number;
  readonly firstEventAfterMs?: number;
  readonly betweenEventsMs?: number;
  readonly stall?: { readonly afterEvents: number; readonly forMs: number };
  readonly cut?: Cut;
  readonly split?: { readonly every: number } | { readonly at: readonly number[] };
}

interface Extent {
  readonly afterBytes?: number;
  readonly afterEvents?: number;
}

/** The request is accepted, then a TCP reset instead of a status line. */
export function resetBeforeHeaders(): Behaviour {
  return { name: 'reset_before_headers', reply: { kind: 'reset' } };
}

/** The request is accepted and nothing follows, unless the test releases the call. */
export function neverAnswers(): Behaviour {
  return { name: 'never_answers', delivery: { headersAfterMs: Infinity } };
}

export function slowHeaders(ms: number): Behaviour {
  return { name: 'slow_headers', delivery: { headersAfterMs: ms } };
}

/** Headers at once, the first event later. */
export function slowFirstToken(ms = Infinity): Behaviour {
  return { name: 'slow_first_token', delivery: { firstEventAfterMs: ms } };
}

/** Silence in mid-answer on an open connection; it comes where a `cut` would. */
export function stall(options: { afterEvents?: number; forMs?: number } = {}): Behaviour {
  const { afterEvents = 2, forMs = Infinity } = options;
  return { name: 'stall', delivery: { stall: { afterEvents, forMs } } };
}

/** The answer breaks off: with `clean` as a complete HTTP message, otherwise as a lost connection. */
export function cut(options: Extent & { clean: boolean; reset?: boolean }): Behaviour {
  const { clean, reset = false, ...extent } = options;
  const end = clean ? 'clean' : reset ? 'reset' : 'abrupt';
  const where = Object.keys(extent).length === 0 ? { afterEvents: 3 } : extent;
  return { name: `cut_${end}`, delivery: { cut: { ...where, end } } };
}

/** A pause between events. */
export function paced(ms: number): Behaviour {
  return { name: 'paced', delivery: { betweenEventsMs: ms } };
}

/** Every event waits for the test's `call.step()`. */
export function stepped(): Behaviour {
  return {
    name: 'stepped',
    delivery: { firstEventAfterMs: Infinity, betweenEventsMs: Infinity },
  };
}

/** Pieces of this many bytes, each a TCP write of its own, whatever the frames. */
export function splitEvery(bytes: number): Behaviour {
  return { name: `split_every_${bytes}`, delivery: { split: { every: bytes } } };
}

/** Pieces that end at these offsets of the body; no offset sends all of it in one write. */
export function splitAt(offsets: readonly number[]): Behaviour {
  return { name: 'split_at', delivery: { split: { at: offsets } } };
}
