import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import type { UnsignedRequest } from '../translation.ts';
import type { AwsKey } from './aws-key.ts';

const SERVICE = 'bedrock';
/** Signed as well, and sent by whoever makes the request. */
const SENT_ALREADY = new Set(['host', 'content-type']);

export interface SignedFor {
  readonly baseUrl: URL;
  readonly region: string;
  readonly nowMs: number;
}

/**
 * The headers that sign a request (P-41). They are signed themselves, with host, content type, path,
 * query and body: what stands between here and AWS may add to the others.
 */
export async function signatureHeaders(
  { method, path, headers, body }: UnsignedRequest,
  key: AwsKey,
  { baseUrl, region, nowMs }: SignedFor,
): Promise<readonly string[]> {
  // Loaded when it is needed: whoever has no Bedrock does not wait for it.
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const signer = new SignatureV4({
    service: SERVICE,
    region,
    sha256: Sha256,
    credentials: {
      accessKeyId: key.reveal(),
      secretAccessKey: key.secretAccessKey.reveal(),
      ...(key.sessionToken && { sessionToken: key.sessionToken.reveal() }),
    },
  });
  const { searchParams } = new URL(path, baseUrl);
  const { protocol, hostname, host } = baseUrl;
  const request = {
    method,
    protocol,
    hostname,
    path: path.split('?', 1)[0] ?? '',
    query: Object.fromEntries(searchParams),
    headers: { host, ...contentType(headers) },
    body,
  };
  const signed = await signer.sign(request, { signingDate: new Date(nowMs) });
  return Object.entries(signed.headers).flatMap(([name, value]) =>
    SENT_ALREADY.has(name.toLowerCase()) ? [] : [name, value],
  );
}

function contentType(headers: readonly string[]): Record<string, string> {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text === 'content-type');
  const value = headers[at + 1];
  return at === -1 || value === undefined ? {} : { 'content-type': value };
}

/** Node's own implementation in the shape that AWS's signer asks for. */
class Sha256 {
  readonly #secret: string | Uint8Array | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined || typeof secret === 'string' ? secret : bytesOf(secret);
    this.#hash = this.#begun();
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = this.#begun();
  }

  #begun(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret);
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
