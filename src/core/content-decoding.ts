import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress, type InputType } from 'node:zlib';

type Decompress = (input: InputType, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: Readonly<Record<string, Decompress>> = {
  gzip: promisify<InputType, { maxOutputLength: number }, Buffer>(gunzip),
  'x-gzip': promisify<InputType, { maxOutputLength: number }, Buffer>(gunzip),
  deflate: promisify<InputType, { maxOutputLength: number }, Buffer>(inflate),
  br: promisify<InputType, { maxOutputLength: number }, Buffer>(brotliDecompress),
  zstd: promisify<InputType, { maxOutputLength: number }, Buffer>(zstdDecompress),
};

export type Decoded =
  | { readonly kind: 'decoded'; readonly bytes: Buffer }
  | { readonly kind: 'unsupported' | 'invalid' | 'too_large'; readonly encoding: string };

/** What a `Content-Encoding` has been applied to. Never larger than that, whatever a small body would unfold to. */
export async function decode(
  body: Buffer,
  contentEncoding: string | undefined,
  bytesMax: number,
): Promise<Decoded> {
  let bytes = body;
  for (const encoding of encodingsIn(contentEncoding).toReversed()) {
    const decompress = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
    if (decompress === undefined) return { kind: 'unsupported', encoding: encoding.slice(0, 40) };
    try {
      bytes = await decompress(bytes, { maxOutputLength: bytesMax });
    } catch (error) {
      return { kind: isTooLarge(error) ? 'too_large' : 'invalid', encoding };
    }
  }
  return { kind: 'decoded', bytes };
}

/** In the order in which they were applied; none for what came as it is. */
export function encodingsIn(contentEncoding: string | undefined): string[] {
  return (contentEncoding ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}
