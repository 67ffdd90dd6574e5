/*
 * The least that a relay can do with node:http and undici: take the request, send it
 * on, send the answer back. It reads, records and checks nothing; it is what the
 * bridge is measured against. `node bench/bare-relay.ts <origin>`
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool } from 'undici';

const [origin = ''] = process.argv.slice(2);
const pool = new Pool(origin);

const HOP_BY_HOP = new Set([
  'host',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
]);

function withoutHopByHop(raw: readonly (string | Buffer)[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = String(raw[at]);
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, String(raw[at + 1]));
  }
  return kept;
}

function relay(req: IncomingMessage, res: ServerResponse): void {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    pool.dispatch(
      {
        method: 'POST',
        path: req.url ?? '/',
        headers: withoutHopByHop(req.rawHeaders),
        body: Buffer.concat(chunks),
      },
      {
        onRequestStart() {
          // Nothing holds a request back.
        },
        onResponseStart(controller, status) {
          const { rawHeaders } = controller;
          res.writeHead(status, withoutHopByHop(Array.isArray(rawHeaders) ? rawHeaders : []));
        },
        onResponseData(_, chunk) {
          res.write(chunk);
        },
        onResponseEnd() {
          res.end();
        },
        onResponseError() {
          res.destroy();
        },
      },
    );
  });
}

const server = createServer(relay).listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') process.stdout.write(`http://127.0.0.1:${address?.port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
