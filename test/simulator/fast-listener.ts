import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import { answer, type Answer } from './behaviours/answer.ts';
import { Call } from './call.ts';
import { contentOf, type Content } from './content.ts';
import { readBody } from './read-body.ts';
import { routeFor } from './routes.ts';

/**
 * A provider for benchmarks: one answer, rendered on first use per kind of request.
 * It goes out in a single write, or, asked with `?frame-ms=2`, frame by frame in such
 * steps. No script, no log, no faults.
 */
export function fastListener(said: Answer): RequestListener {
  const rendered = new Map<string, Content>();
  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const body = await readBody(req);
    if (body === null) return;
    const kind = kindOf(req, body);
    const content = rendered.get(kind) ?? render(req, body, said);
    rendered.set(kind, content);
    res.writeHead(content.status, content.headers);
    await send(res, content.parts, /\?frame-ms=(\d+)/.exec(req.url ?? '')?.[1]);
  };
  return (req, res) => void serve(req, res);
}

async function send(
  res: ServerResponse,
  parts: readonly Buffer[],
  frameMs: string | undefined,
): Promise<void> {
  if (frameMs !== undefined) {
    for (const part of parts) {
      res.write(part);
      await delay(Number(frameMs));
    }
  }
  res.end(frameMs === undefined ? Buffer.concat(parts) : undefined);
}

/** What the answer depends on, found without parsing the body. */
function kindOf(req: IncomingMessage, body: Buffer): string {
  const text = body.toString('latin1');
  const isStreaming = /"stream"\s*:\s*true/.test(text);
  const wantsUsage = /"include_usage"\s*:\s*true/.test(text);
  return `${req.method} ${req.url} ${isStreaming} ${wantsUsage} ${'x-api-key' in req.headers}`;
}

function render(req: IncomingMessage, body: Buffer, said: Answer): Content {
  const { method = '', url: path = '', headers, rawHeaders } = req;
  const route = routeFor(method, path, headers);
  const none = { ordinal: 0, connection: 0, receivedAtMs: 0 };
  const call = new Call({ ...none, method, path, route, headers, rawHeaders });
  call.receiveBody(body);
  return contentOf(call, { kind: 'answer', answer: said }, answer(said), false);
}
