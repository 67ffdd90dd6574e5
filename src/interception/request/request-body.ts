import type { IncomingMessage } from 'node:http';
import { BridgeError } from '../../core/errors.ts';

/** The caller hung up before it had said what it wants. */
export class CallerGone extends Error {
  override readonly name = 'CallerGone';
}

/**
 * The whole body, which is kept because another key may need it again. One that is
 * too large is refused as soon as that is known, be it from its announcement.
 */
export function readRequestBody(req: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (finish: () => void): void => {
      req.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      finish();
    };
    const refuse = (): void => {
      settle(() => {
        // Nothing more is read: the answer goes out and the connection ends with it.
        req.pause();
        reject(tooLarge(bytesMax));
      });
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > bytesMax) refuse();
      else chunks.push(chunk);
    };
    const onEnd = (): void => {
      settle(() => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    };
    const onGone = (): void => {
      settle(() => reject(new CallerGone('the caller hung up while sending its request')));
    };
    if (Number(req.headers['content-length'] ?? 0) > bytesMax) {
      refuse();
      return;
    }
    req.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}

function tooLarge(bytesMax: number): BridgeError {
  const limit = `${bytesMax / 1024 / 1024} MiB`;
  return new BridgeError('body_too_large', { public: `The request body is larger than ${limit}.` });
}
