import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress, type InputType } from 'node:zlib';
import { BridgeError } from '../core/errors.ts';

type Decompress = (input: InputType, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: Readonly<Record<string, Decompress>> = {
  gzip: promisify<InputType, { maxOutputLength: number }, Buffer>(gunzip),
  'x-gzip': promisify<InputType, { maxOutputLength: number }, Buffer>(gunzip),
  deflate: promisify<InputType, { maxOutputLength: number }, Buffer>(inflate),
  br: promisify<InputType, { maxOutputLength: number }, Buffer>(brotliDecompress),
  zstd: promisify<InputType, { maxOutputLength: number }, Buffer>(zstdDecompress),
};

/**
 * The body as the audit reads it; upstream gets it as it came. Never larger than
 * the limit for bodies, whatever a small compressed one would unfold to.
 */
export async function decodeForReading(
  body: Buffer,
  contentEncoding: string | undefined,
  bytesMax: number,
): Promise<Buffer> {
  const encodings = (contentEncoding ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  let decoded = body;
  for (const encoding of encodings.toReversed()) {
    const decompress = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
    if (decompress === undefined) throw unsupported(encoding);
    decoded = await decompress(decoded, { maxOutputLength: bytesMax }).catch((error: unknown) => {
      throw undecodable(error, encoding);
    });
  }
  return decoded;
}

function unsupported(encoding: string): BridgeError {
  return new BridgeError('unsupported_encoding', {
    public: `The Content-Encoding ${JSON.stringify(encoding.slice(0, 40))} is not supported; use gzip, deflate, br or zstd.`,
  });
}

function undecodable(error: unknown, encoding: string): BridgeError {
  const isTooLarge =
    error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
  return isTooLarge
    ? new BridgeError('body_too_large', { public: 'The request body is too large once decoded.' })
    : new BridgeError('bad_request', { public: `The request body is not valid ${encoding}.` });
}
