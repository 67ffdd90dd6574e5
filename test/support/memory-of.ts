import { once } from 'node:events';
import type { Bridge } from './bridge.ts';
import { until } from './until.ts';

/** With these a bridge lets a test look at what it holds on to. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

const WHAT_IS_HELD = `(({ heapUsed, arrayBuffers }) => heapUsed + arrayBuffers)(process.memoryUsage())`;

/** The bytes that a bridge holds on to: those that are left when its garbage has been collected. */
export async function bytesHeldBy(bridge: Bridge): Promise<number> {
  const inspector = await Inspector.of(bridge);
  try {
    await inspector.ask('HeapProfiler.collectGarbage');
    const answer = await inspector.ask('Runtime.evaluate', { expression: WHAT_IS_HELD });
    return Number(Object(answer).result.value);
  } finally {
    inspector.close();
  }
}

/** As much of the inspector's protocol as a question and its answer. */
class Inspector {
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async of({ otherOutput }: Bridge): Promise<Inspector> {
    const url = await until('the inspector', () => /ws:\S+/.exec(otherOutput.join('\n'))?.[0]);
    const socket = new WebSocket(url);
    await once(socket, 'open');
    return new Inspector(socket);
  }

  async ask(method: string, params: object = {}): Promise<unknown> {
    const answered = once(this.#socket, 'message');
    this.#socket.send(JSON.stringify({ id: 1, method, params }));
    const [{ data }] = await answered;
    return JSON.parse(data).result;
  }

  close(): void {
    this.#socket.close();
  }
}
