import { Readable } from 'node:stream';
import { Pool } from 'undici';
import { directConnector } from './connector.ts';
import { UpstreamCall, type Answer, type CallTimeouts, type RawHeaders } from './upstream-call.ts';

export interface UpstreamOptions extends CallTimeouts {
  readonly origin: string;
  readonly connectMs: number;
}

export interface UpstreamRequest {
  readonly method: string;
  /** Path and query as they go on the wire. */
  readonly path: string;
  readonly headers: RawHeaders;
  readonly body: Buffer | undefined;
}

const HEADER_BYTES_MAX = 128 * 1024;

/** A body smaller than this is not worth letting go of early. */
const SENT_ONCE_BYTES_MIN = 32 * 1024;

/** The connections to one provider. */
export class UpstreamClient {
  readonly #pool: Pool;

  constructor(private readonly options: UpstreamOptions) {
    this.#pool = new Pool(options.origin, {
      // One request a connection at a time: an answer never waits behind another one.
      pipelining: 1,
      allowH2: false,
      connect: directConnector(options.connectMs),
      // `UpstreamCall` keeps the time, because only it knows who is waiting for whom.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: HEADER_BYTES_MAX,
    });
  }

  /** Resolves when the answer's head is here. Rejects with an `UpstreamFailure`. */
  call(request: UpstreamRequest, signal: AbortSignal): Promise<Answer> {
    const call = new UpstreamCall(this.options, signal);
    this.#pool.dispatch(
      {
        method: request.method,
        path: request.path,
        ...sendable(request),
      },
      call,
    );
    return call.answer;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/**
 * Undici holds on to the body that it is given until the answer has ended, which
 * for a stream can be long. Of a large one it is given a source that is empty
 * once it is sent.
 */
function sendable({ headers, body }: UpstreamRequest): {
  headers: string[];
  body: Buffer | Readable | null;
} {
  if (body === undefined) return { headers: [...headers], body: null };
  if (body.length < SENT_ONCE_BYTES_MIN) return { headers: [...headers], body };
  return {
    headers: [...headers, 'content-length', String(body.length)],
    body: once(body),
  };
}

/** A generator would hold on to its argument even after its end. */
function once(body: Buffer): Readable {
  let unsent: Buffer | undefined = body;
  return new Readable({
    read() {
      this.push(unsent);
      this.push(null);
      unsent = undefined;
    },
  });
}
