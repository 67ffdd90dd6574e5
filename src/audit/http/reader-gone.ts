import type { ServerResponse } from 'node:http';

/** Aborts when nobody reads the answer any more; at once where that is so by now. */
export function readerGone(res: ServerResponse): AbortSignal {
  if (res.closed) return AbortSignal.abort();
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  return gone.signal;
}
