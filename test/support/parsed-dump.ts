import { once } from 'node:events';
import { createServer as createHttpServer, request, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';

/** What Node's own HTTP, which knows nothing of dumps, makes of the bytes of one. */
export interface ParsedRequest {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export interface ParsedAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** False when less came than was announced. */
  readonly isWhole: boolean;
}

/** Rejects for what is no request, or more than one. */
export async function parseRequest(bytes: Buffer): Promise<ParsedRequest> {
  const server = createHttpServer();
  const port = await listening(server);
  try {
    const parsed = new Promise<ParsedRequest>((resolve, reject) => {
      server.on('clientError', reject);
      server.on('request', (req: IncomingMessage) => {
        const { method = '', url: target = '', rawHeaders } = req;
        const whole = collect(req).then(({ body, isWhole }) => {
          if (!isWhole) throw new Error('the body is not whole');
          return { method, target, rawHeaders, body };
        });
        resolve(whole);
      });
    });
    connect(port, '127.0.0.1').end(bytes);
    return await parsed;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

export async function parseAnswer(bytes: Buffer, method = 'POST'): Promise<ParsedAnswer> {
  const server = createServer((socket) => {
    socket.once('data', () => socket.end(bytes));
    socket.on('error', () => undefined);
  });
  const port = await listening(server);
  try {
    const req = request({ host: '127.0.0.1', port, method, agent: false });
    const answered = once(req, 'response');
    req.end();
    const [res]: IncomingMessage[] = await answered;
    if (res === undefined) throw new Error('no answer');
    const { statusCode: status = 0, headers } = res;
    return { status, headers, ...(await collect(res)) };
  } finally {
    server.close();
  }
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function collect(message: IncomingMessage): Promise<{ body: Buffer; isWhole: boolean }> {
  const chunks: Buffer[] = [];
  message.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => message.on('end', resolve).on('error', resolve));
  return { body: Buffer.concat(chunks), isWhole: message.complete };
}
