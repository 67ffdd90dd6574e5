import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface WireAnswer {
  readonly status: number;
  /** Names in lower case; a repeated one keeps its last value. */
  readonly headers: ReadonlyMap<string, string>;
  /** Taken out of its chunks. */
  readonly body: string;
  /** False when the connection ended before the body did. */
  readonly isWhole: boolean;
}

/** A client below HTTP, which sees and does what an HTTP library hides or forbids. */
export class Wire {
  readonly #socket: Socket;
  #unread: Buffer = Buffer.alloc(0);
  #end: 'fin' | 'reset' | undefined;
  #bytesRead = 0;
  #isKept = true;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      if (this.#isKept) this.#unread = Buffer.concat([this.#unread, bytes]);
      this.#bytesRead += bytes.length;
      socket.emit('changed');
    });
    socket.on('end', () => this.#ended('fin'));
    socket.on('error', () => this.#ended('reset'));
    socket.on('close', () => this.#ended('fin'));
  }

  static async connect(url: string): Promise<Wire> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    await once(socket, 'connect');
    return new Wire(socket);
  }

  /** Undefined while the other side may still send. */
  get end(): 'fin' | 'reset' | undefined {
    return this.#end;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#socket.bytesWritten;
  }

  /** Resolves to false when the other side does not take the bytes, because it has gone. */
  async send(bytes: string | Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, (error) => resolve(!error));
    });
  }

  /** A request with a body of announced length. */
  async post(path: string, body: string, headers: readonly string[] = []): Promise<boolean> {
    return this.send(`${head('POST', path, [...headers, lengthOf(body)])}${body}`);
  }

  /** The next final answer; interim ones are passed over. */
  async answer(): Promise<WireAnswer> {
    for (;;) {
      const { status, headers } = await this.head();
      if (status < 200) continue;
      const length = headers.get('content-length');
      const text = length === undefined ? await this.#chunked() : await this.#sized(Number(length));
      return { status, headers, ...text };
    }
  }

  /** The next status line and headers, be they interim. */
  async head(): Promise<Pick<WireAnswer, 'status' | 'headers'>> {
    const length = await this.#lengthThrough('\r\n\r\n');
    if (length === undefined)
      throw new Error(`no answer, but ${this.#end}: ${this.#unread.toString()}`);
    const [statusLine = '', ...lines] = this.#take(length).trimEnd().split('\r\n');
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
    return { status: Number(statusLine.split(' ')[1]), headers: new Map(headers) };
  }

  /** Resolves once this text has come and has not been taken out yet. */
  async receives(text: string): Promise<void> {
    if ((await this.#lengthThrough(text)) === undefined) throw new Error(`ended without ${text}`);
  }

  /** How the other side ended the connection. */
  async ends(): Promise<'fin' | 'reset'> {
    while (this.#end === undefined) await once(this.#socket, 'changed');
    return this.#end;
  }

  /** Says that nothing more will be sent, and goes on reading. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Reads on, but only counts what comes. */
  keepNothing(): void {
    this.#isKept = false;
    this.#unread = Buffer.alloc(0);
  }

  stopReading(): void {
    this.#socket.pause();
  }

  readOn(): void {
    this.#socket.resume();
  }

  leave(how: 'fin' | 'reset' = 'fin'): void {
    if (how === 'reset') this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #ended(how: 'fin' | 'reset'): void {
    this.#end ??= how;
    this.#socket.emit('changed');
  }

  #take(length: number): string {
    const text = this.#unread.subarray(0, length).toString('utf8');
    this.#unread = this.#unread.subarray(length);
    return text;
  }

  /** Undefined when the connection ends without it. */
  async #lengthThrough(text: string): Promise<number | undefined> {
    for (;;) {
      const at = this.#unread.indexOf(text);
      if (at >= 0) return at + Buffer.byteLength(text);
      if (this.#end !== undefined) return undefined;
      await once(this.#socket, 'changed');
    }
  }

  async #sized(length: number): Promise<Pick<WireAnswer, 'body' | 'isWhole'>> {
    while (this.#unread.length < length && this.#end === undefined) {
      await once(this.#socket, 'changed');
    }
    const isWhole = this.#unread.length >= length;
    return { body: this.#take(length), isWhole };
  }

  async #chunked(): Promise<Pick<WireAnswer, 'body' | 'isWhole'>> {
    let body = '';
    for (;;) {
      const line = await this.#lengthThrough('\r\n');
      if (line === undefined) return { body, isWhole: false };
      const size = Number.parseInt(this.#take(line), 16);
      const { body: chunk, isWhole } = await this.#sized(size + 2);
      if (!isWhole) return { body: body + chunk, isWhole: false };
      if (size === 0) return { body, isWhole: true };
      body += chunk.slice(0, -2);
    }
  }
}

/** A request's head, up to and including the empty line. */
export function head(method: string, path: string, headers: readonly string[] = []): string {
  return [`${method} ${path} HTTP/1.1`, 'host: bridge', ...headers, '', ''].join('\r\n');
}

function lengthOf(body: string): string {
  return `content-length: ${Buffer.byteLength(body)}`;
}
