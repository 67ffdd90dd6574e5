import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What becomes of a statement that a client sends. */
export type Passage = 'passes' | 'is kept' | 'is executed and not answered';

export interface Gate {
  /** Told of every statement before the server hears of it. */
  passage(sql: string): Passage;
  /** The server has executed what is not to be answered. */
  executed(): void;
}

const POSTGRES_PORT = 5432;
const [PARSE, QUERY, READY] = ['P', 'Q', 'Z'].map((letter) => letter.charCodeAt(0));

/** A way to a PostgreSQL server that knows each statement that goes by, and may keep it or its answer. */
export class StatementProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();

  private constructor(target: string, gate: Gate) {
    this.#target = new URL(target);
    this.#server = createServer((near) => this.#joined(near, gate));
  }

  static async start(target: string, gate: Gate): Promise<StatementProxy> {
    const proxy = new StatementProxy(target, gate);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The target's address by this way. */
  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
    const url = new URL(this.#target);
    url.host = `127.0.0.1:${address.port}`;
    return url.href;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #joined(near: Socket, gate: Gate): void {
    const far = connect(Number(this.#target.port || POSTGRES_PORT), this.#target.hostname);
    let state: Passage = 'passes';
    // The first message of a client has no type.
    const asked = new Messages(true);
    const answered = new Messages(false);
    near.on('data', (bytes: Buffer) => {
      for (const message of asked.in(bytes)) {
        const sql = state === 'passes' ? statementIn(message) : undefined;
        if (sql !== undefined) state = gate.passage(sql);
        if (state !== 'is kept') far.write(message);
      }
    });
    far.on('data', (bytes: Buffer) => {
      if (state === 'passes') near.write(bytes);
      for (const message of answered.in(bytes)) {
        if (state !== 'passes' && message[0] === READY) gate.executed();
      }
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}

function statementIn(message: Buffer): string | undefined {
  if (message[0] === QUERY) return message.toString('utf8', 5, message.length - 1);
  if (message[0] !== PARSE) return undefined;
  const from = message.indexOf(0, 5) + 1;
  return message.toString('utf8', from, message.indexOf(0, from));
}

/** Cuts what comes of one side into messages: a type, unless it is the first, a length, and so on. */
class Messages {
  #unread = Buffer.alloc(0);

  constructor(private isUntyped: boolean) {}

  *in(bytes: Buffer): Generator<Buffer> {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    for (;;) {
      const typed = this.isUntyped ? 0 : 1;
      if (this.#unread.length < typed + 4) return;
      const length = typed + this.#unread.readUInt32BE(typed);
      if (this.#unread.length < length) return;
      yield this.#unread.subarray(0, length);
      this.#unread = this.#unread.subarray(length);
      this.isUntyped = false;
    }
  }
}
