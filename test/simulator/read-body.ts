import type { IncomingMessage } from 'node:http';

/** The request's body, or null when the client left before it was complete. */
export async function readBody(req: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.once('end', () => resolve(Buffer.concat(chunks)));
    req.once('close', () => resolve(null));
    // 'close' follows an error; without a listener it would end the process.
    req.on('error', () => resolve(null));
  });
}
