import { BridgeError, unreachable } from '../../core/errors.ts';
import { decode } from '../../core/content-decoding.ts';

/** The body as the audit reads it; upstream gets it as it came. */
export async function decodeForReading(
  body: Buffer,
  contentEncoding: string | undefined,
  bytesMax: number,
): Promise<Buffer> {
  const decoded = await decode(body, contentEncoding, bytesMax);
  switch (decoded.kind) {
    case 'decoded':
      return decoded.bytes;
    case 'unsupported':
      throw new BridgeError('unsupported_encoding', {
        public: `The Content-Encoding ${JSON.stringify(decoded.encoding)} is not supported; use gzip, deflate, br or zstd.`,
      });
    case 'too_large':
      throw new BridgeError('body_too_large', {
        public: 'The request body is too large once decoded.',
      });
    case 'invalid':
      throw new BridgeError('bad_request', {
        public: `The request body is not valid ${decoded.encoding}.`,
      });
    default:
      return unreachable(decoded, 'decodeForReading');
  }
}
