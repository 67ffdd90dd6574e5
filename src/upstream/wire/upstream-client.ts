import { Readable } from 'node:stream';
import { Pool } from 'undici';
import type { ProxyAddress } from '../../config/index.ts';
import { CONNECTION } from './connector.ts';
import { UpstreamCall, type Answer, type CallTimeouts, type RawHeaders } from './upstream-call.ts';
import { wayToProvider, type WayToProvider } from './way-to-provider.ts';

export interface UpstreamOptions extends CallTimeouts {
  readonly origin: string;
  readonly proxy: ProxyAddress | undefined;
  readonly connectMs: number;
}

export interface UpstreamRequest {
  readonly method: string;
  /** Path and query, as the provider is to see them. */
  readonly path: string;
  readonly headers: RawHeaders;
  readonly body: Buffer | undefined;
}

/** A body smaller than this is not worth letting go of early. */
const SENT_ONCE_BYTES_MIN = 32 * 1024;

/** The connections to one provider. */
export class UpstreamClient {
  readonly #way: WayToProvider;
  readonly #pool: Pool;

  constructor(private readonly options: UpstreamOptions) {
    this.#way = wayToProvider(options.origin, options.proxy, options.connectMs);
    const { origin, connect } = this.#way;
    this.#pool = new Pool(origin, { ...CONNECTION, connect });
  }

  /** Resolves when the answer's head is here. Rejects with an `UpstreamFailure`. */
  call(request: UpstreamRequest, signal: AbortSignal): Promise<Answer> {
    const way = this.#way;
    const call = new UpstreamCall(this.options, signal);
    this.#pool.dispatch(
      {
        method: request.method,
        path: way.path(request.path),
        ...sendable(request, way.headers),
      },
      call,
    );
    return way.checked(call.answer);
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
    await this.#way.close();
  }
}

/**
 * Undici holds on to the body that it is given until the answer has ended, which
 * for a stream can be long. Of a large one it is given a source that is empty
 * once it is sent.
 */
function sendable(
  { headers, body }: UpstreamRequest,
  added: RawHeaders,
): { headers: string[]; body: Buffer | Readable | null } {
  if (body === undefined) return { headers: [...headers, ...added], body: null };
  if (body.length < SENT_ONCE_BYTES_MIN) return { headers: [...headers, ...added], body };
  return {
    headers: [...headers, ...added, 'content-length', String(body.length)],
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
