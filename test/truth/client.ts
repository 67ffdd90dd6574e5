import type { PlannedRequest } from './scenario.ts';
import { TOOL_USERS } from './tool-loops.ts';

/** What a client saw of its answer. */
export interface Observation {
  /** `left`: it hung up itself; `broken`: the connection did; `nothing`: not even a head came. */
  readonly kind: 'complete' | 'broken' | 'left' | 'nothing';
  readonly status: number | null;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly endedAtMs: number;
}

/** Every answer has an end, be it a bad one, long before this. */
const PATIENCE_MS = 60_000;

/** Asks once, hangs up where that is planned, and never throws. */
export async function observe(bridgeUrl: string, request: PlannedRequest): Promise<Observation> {
  const { leave } = request;
  const leaving = new AbortController();
  const patienceMs = leave?.when === 'after_ms' ? leave.ms : PATIENCE_MS;
  const timer = setTimeout(() => leaving.abort(), patienceMs);
  const chunks: Buffer[] = [];
  let head: Pick<Observation, 'status' | 'headers'> = { status: null, headers: new Headers() };
  let kind: Observation['kind'] = 'nothing';
  try {
    const res = await send(bridgeUrl, request, leaving.signal);
    head = res;
    kind = 'broken';
    if (leave?.when === 'at_head') leaving.abort();
    const enough = leave?.when === 'after_bytes' ? leave.bytes : Infinity;
    await collect(res, chunks, (bytes) => {
      if (bytes >= enough) leaving.abort();
    });
    kind = 'complete';
  } catch {
    // That it broke off is all that a client knows.
    if (leaving.signal.aborted && leave !== undefined) kind = 'left';
  } finally {
    clearTimeout(timer);
  }
  const { status, headers } = head;
  return { kind, status, headers, bytes: Buffer.concat(chunks), endedAtMs: Date.now() };
}

async function collect(
  res: Response,
  chunks: Buffer[],
  onBytes: (count: number) => void,
): Promise<void> {
  let count = 0;
  for await (const chunk of res.body ?? []) {
    chunks.push(Buffer.from(chunk));
    count += chunk.length;
    onBytes(count);
  }
}

function send(
  bridgeUrl: string,
  { provider, api, own, userAgent, body, habits, loop }: PlannedRequest,
  signal: AbortSignal,
): Promise<Response> {
  const isBearer = api.authHeader === 'authorization';
  return fetch(`${bridgeUrl}/${provider.name}${api.route}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': userAgent,
      ...(habits.has('tool_loops') && identity(loop === undefined ? 'others' : TOOL_USERS)),
      ...(own !== undefined && { [api.authHeader]: isBearer ? `Bearer ${own}` : own }),
    },
    body: JSON.stringify(body),
    signal,
  });
}

/** As a gateway in front asserts it. */
function identity(group: string): Record<string, string> {
  return { 'x-forwarded-user': 'truth', 'x-forwarded-groups': group };
}
