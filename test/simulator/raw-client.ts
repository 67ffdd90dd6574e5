import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** An answer as it was on the wire. */
export class RawReply {
  readonly #bytes: Buffer;
  /** How the connection ended for the reader; null while it is open. */
  readonly end: 'fin' | 'reset' | null;

  constructor(bytes: Buffer, end: RawReply['end']) {
    this.#bytes = bytes;
    this.end = end;
  }

  get text(): string {
    return this.#bytes.toString('utf8');
  }

  /** The body taken out of its chunks. */
  get body(): string {
    return dechunked(this.#bytes).body.toString('utf8');
  }

  /** Whether the end of a chunked body was announced. */
  get isWhole(): boolean {
    return dechunked(this.#bytes).isWhole;
  }
}

/** A client below HTTP, which sees what an HTTP library hides: reads, resets, missing ends. */
export class RawClient {
  readonly #socket: Socket;
  /** One entry per read. */
  readonly #reads: Buffer[] = [];

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#socket = connect(Number(port), hostname);
    this.#socket.on('data', (bytes: Buffer) => this.#reads.push(bytes));
  }

  /** Sends a POST with a JSON body; `Connection: close` makes the end of the answer visible. */
  post(path: string, key: string, body: object): this {
    const text = JSON.stringify(body);
    const lines = [
      `POST ${path} HTTP/1.1`,
      'host: simulator',
      'connection: close',
      `authorization: Bearer ${key}`,
      `content-length: ${Buffer.byteLength(text)}`,
    ];
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n${text}`);
    return this;
  }

  get received(): RawReply {
    return new RawReply(Buffer.concat(this.#reads), null);
  }

  /** Resolves once the body so far has this text. */
  async receives(text: string): Promise<void> {
    while (!this.received.body.includes(text)) await once(this.#socket, 'data');
  }

  async receivesHeaders(): Promise<void> {
    while (!this.received.text.includes('\r\n\r\n')) await once(this.#socket, 'data');
  }

  async ends(): Promise<RawReply> {
    const end = await new Promise<RawReply['end']>((resolve) => {
      this.#socket.once('end', () => resolve('fin'));
      this.#socket.once('error', () => resolve('reset'));
    });
    return new RawReply(Buffer.concat(this.#reads), end);
  }

  leave(): void {
    this.#socket.destroy();
  }
}

function dechunked(response: Buffer): { readonly body: Buffer; readonly isWhole: boolean } {
  let rest = response.subarray(response.indexOf('\r\n\r\n') + 4);
  const chunks: Buffer[] = [];
  let size = chunkSize(rest);
  while (size > 0) {
    const start = rest.indexOf('\r\n') + 2;
    chunks.push(rest.subarray(start, start + size));
    rest = rest.subarray(start + size + 2);
    size = chunkSize(rest);
  }
  return { body: Buffer.concat(chunks), isWhole: size === 0 };
}

/** NaN where no chunk begins. */
function chunkSize(bytes: Buffer): number {
  const line = bytes.subarray(0, Math.max(0, bytes.indexOf('\r\n')));
  return Number.parseInt(line.toString('latin1'), 16);
}
