import type { Behaviour, HeaderBag } from './behaviour.ts';

export interface RawResponse {
  readonly status?: number;
  readonly headers?: HeaderBag;
  readonly body?: string | Buffer;
}

/** An HTTP response given byte for byte; its headers are all it carries. */
export function rawResponse(response: RawResponse): Behaviour {
  const { status = 200, headers = {}, body = '' } = response;
  return { name: 'raw_response', reply: { kind: 'raw', status, body }, headers };
}

/** Bytes written to the socket in place of an HTTP response, then the connection ends. */
export function rawSocket(bytes: string | Buffer): Behaviour {
  return { name: 'raw_socket', reply: { kind: 'socket_bytes', bytes: Buffer.from(bytes) } };
}
