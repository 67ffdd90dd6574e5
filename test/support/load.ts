import { Agent, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { combine, answer, paced, type Call, type Simulator } from '../simulator/index.ts';
import { messagesBody } from './system.ts';

export type Kind = 'blocking' | 'streaming' | 'own-key' | 'leaver';

/** What one request of the load came to, as its client saw it. */
export interface Served {
  /** Also its user agent, by which its record is found. */
  readonly name: string;
  readonly kind: Kind;
  readonly status: number | undefined;
  /** The client has the whole answer: all of its announced bytes, or the last event of its stream. */
  readonly isWhole: boolean;
  readonly durationMs: number;
}

const KINDS: readonly Kind[] = [
  'blocking',
  'streaming',
  'blocking',
  'own-key',
  'streaming',
  'blocking',
  'leaver',
  'streaming',
];
const OWN_KEY = 'sk-ant-api03-the-key-of-a-caller-0001';
const LAST_EVENT = 'event: message_stop\ndata: {"type":"message_stop"}\n\n';
const PATH = '/anthropic/v1/messages';

/** The tokens that the simulated provider bills for a request of the load. */
export function tokensOf(name: string): { readonly input: number; readonly output: number } {
  const number = Number(name.split('/')[2]);
  return { input: 100 + (number % 97), output: 1 + (number % 13) };
}

/** Has the simulator answer every request of a load, each a little later than at once. */
export function answerLoad(simulator: Simulator, options: { betweenEventsMs: number }): void {
  simulator.onAnyKey((call: Call) =>
    combine(
      answer({ text: 'a few words', chunks: 4, usage: tokensOf(nameOf(call)) }),
      paced(options.betweenEventsMs),
    ),
  );
}

/** The name of the request that a call to the provider was made for. */
export function nameOf(call: Call): string {
  return call.headers['user-agent'] ?? '';
}

/** Whether the provider sent all of an answer, whatever became of it. */
export function isSentWhole({ sent, isStreaming }: Call): boolean {
  if (sent.status !== 200) return false;
  return isStreaming ? sent.text.includes(LAST_EVENT) : sent.bytes.length > 0;
}

/**
 * Many clients at once, each asking again as soon as it is answered: in one piece
 * and streaming, with the pool's keys and with its own, to the end and not.
 */
export class Load {
  readonly served: Served[] = [];
  readonly #url: string;
  readonly #round: string;
  readonly #agent = new Agent({ keepAlive: true });
  #count = 0;
  #isStopped = false;
  readonly #clients: Promise<void>[];

  /** `round` tells this load's requests from those of others. */
  constructor(url: string, options: { readonly round: string; readonly clients: number }) {
    this.#url = url;
    this.#round = options.round;
    this.#clients = Array.from({ length: options.clients }, () => this.#client());
  }

  /** Resolves when every client has had its last answer, or has noticed that there is none. */
  async stop(): Promise<readonly Served[]> {
    this.#isStopped = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
    return this.served;
  }

  async #client(): Promise<void> {
    while (!this.#isStopped) {
      const number = this.#count;
      this.#count += 1;
      const kind = KINDS[number % KINDS.length] ?? 'blocking';
      const served = await this.#ask(kind, `load/${this.#round}/${number}`);
      this.served.push(served);
      // Nobody is there any more.
      if (served.status === undefined) return;
    }
  }

  async #ask(kind: Kind, name: string): Promise<Served> {
    const beganMs = performance.now();
    const told = await this.#exchange(kind, name);
    return { name, kind, ...told, durationMs: performance.now() - beganMs };
  }

  async #exchange(kind: Kind, name: string): Promise<Pick<Served, 'status' | 'isWhole'>> {
    const isStreaming = kind !== 'blocking';
    const body = messagesBody({
      stream: isStreaming,
      messages: [{ role: 'user', content: `prompt of ${name}` }],
    });
    const req = request(`${this.#url}${PATH}`, {
      method: 'POST',
      agent: this.#agent,
      headers: {
        'user-agent': name,
        'content-length': Buffer.byteLength(body),
        ...(kind === 'own-key' && { 'x-api-key': OWN_KEY }),
      },
    });
    try {
      req.end(body);
      const [res]: IncomingMessage[] = await once(req, 'response');
      if (res === undefined) throw new Error('no response');
      return { status: res.statusCode, isWhole: await received(res, kind) };
    } catch {
      return { status: undefined, isWhole: false };
    }
  }
}

/** Whether all of the answer came. */
async function received(res: IncomingMessage, kind: Kind): Promise<boolean> {
  let text = '';
  try {
    for await (const chunk of res) {
      text += String(chunk);
      if (kind === 'leaver') {
        res.destroy();
        break;
      }
    }
  } catch {
    // Broken off: what has come may be whole all the same.
  }
  return kind === 'blocking' ? isWholeMessage(res, text) : text.includes(LAST_EVENT);
}

function isWholeMessage(res: IncomingMessage, text: string): boolean {
  return Number(res.headers['content-length']) === Buffer.byteLength(text);
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
