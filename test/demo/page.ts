import { styleText } from 'node:util';
import type { WriteStream } from 'node:tty';
import type { KeyItem } from '../../src/admin/key-shape.ts';
import type { InterceptionDetail } from '../../src/audit/interceptions/interception-shape.ts';

type Attempt = InterceptionDetail['attempts'][number];
type Colour = 'green' | 'yellow' | 'red' | 'dim' | 'bold';

/** What a client saw of an answer. */
export interface Seen {
  readonly status: number;
  readonly words: string;
  readonly ms: number;
}

const LABEL_WIDTH = 10;
const HINT_WIDTH = 13;

const OUTCOMES: Readonly<Partial<Record<Attempt['outcome'], readonly [Colour, string]>>> = {
  served: ['green', 'served the request'],
  rate_limited: ['yellow', 'rate limited'],
  quota_exhausted: ['yellow', 'quota used up'],
  unauthorized: ['red', 'rejected, not used again until a probe or an operator says so'],
  forbidden: ['red', 'rejected, not used again until a probe or an operator says so'],
};

const STATES: Readonly<Record<KeyItem['state'], Colour>> = {
  valid: 'green',
  temporary: 'yellow',
  permanent: 'red',
};

/** The story as text: aligned, and in colour where that is wanted. */
export class Page {
  readonly #out: WriteStream;
  #scenes = 0;

  constructor(out: WriteStream) {
    this.#out = out;
  }

  title(bridgeUrl: string, providerUrl: string): void {
    this.#line();
    this.#line(this.#paint('bold', 'AI Bridge: three pool keys, one of which works'));
    this.#line();
    this.#row('bridge', `${bridgeUrl}, with a PostgreSQL of its own`);
    this.#row('provider', `${providerUrl}, simulated`);
  }

  scene(title: string): void {
    this.#scenes += 1;
    this.#line();
    this.#line(this.#paint('bold', `${this.#scenes}. ${title}`));
  }

  client(request: string, { status, words, ms }: Seen): void {
    this.#row('asked', request);
    this.#row('got', `${this.#status(status)}  ${words}  ${this.#paint('dim', `${ms} ms`)}`);
  }

  audit(record: InterceptionDetail): void {
    const { attempts, credential, tokens, id, status } = record;
    if (attempts.length === 0) this.#row('tried', 'no key: none was usable');
    for (const [index, attempt] of attempts.entries()) {
      this.#row(index === 0 ? 'tried' : '', this.#attempt(attempt));
    }
    if (status === 'completed') {
      const whose = credential.kind === 'byok' ? "the caller's own key" : 'the pool';
      this.#row('paid by', `${whose}, ${credential.hint}`);
      this.#row('tokens', `${tokens.input} in, ${tokens.output} out`);
    }
    this.#row('record', `${id}  ${this.#paint('dim', status)}`);
  }

  keys(items: readonly KeyItem[]): void {
    for (const { position, hint, state, reason, remainingMs } of items) {
      const name = this.#paint(STATES[state], state.padEnd(LABEL_WIDTH));
      const back = remainingMs === null ? '' : `, back in ${Math.ceil(remainingMs / 1_000)} s`;
      this.#row(`key ${position + 1}`, `${hint.padEnd(HINT_WIDTH)}${name}${reason ?? ''}${back}`);
    }
  }

  note(label: string, text: string): void {
    this.#row(label, text);
  }

  end(records: number): void {
    this.#line();
    this.#line(`${records} requests, ${records} records, and no key shown anywhere.`);
    this.#line();
  }

  keepsRunning(bridgeUrl: string, providerUrl: string): void {
    this.#row('web page', `${bridgeUrl}/`);
    this.#row('audit', `${bridgeUrl}/api/v1/interceptions`);
    this.#row('keys', `${bridgeUrl}/api/v1/keys`);
    this.#row('clients', `${bridgeUrl}/anthropic`);
    this.#row('provider', providerUrl);
    this.#line();
    this.#line('It runs until Ctrl-C, which removes all of it.');
  }

  #attempt({ credential, status, outcome, cooldownMs, durationMs }: Attempt): string {
    const [colour, words] = OUTCOMES[outcome] ?? ['red', outcome.replaceAll('_', ' ')];
    const pause = cooldownMs === null ? '' : `, left alone for ${cooldownMs / 1_000} s`;
    const hint = credential.hint.padEnd(HINT_WIDTH);
    const took = this.#paint('dim', `${durationMs} ms`);
    return `${hint}${this.#status(status)}  ${this.#paint(colour, `${words}${pause}`)}  ${took}`;
  }

  #status(status: number | null): string {
    const colour = status === null || status >= 500 ? 'red' : status >= 400 ? 'yellow' : 'green';
    return this.#paint(colour, String(status ?? '---'));
  }

  #row(label: string, text: string): void {
    this.#line(`   ${this.#paint('dim', label.padEnd(LABEL_WIDTH))}${text}`);
  }

  #line(text = ''): void {
    this.#out.write(`${text}\n`);
  }

  /** Only on a terminal, and not against the wish of whoever set NO_COLOR. */
  #paint(colour: Colour, text: string): string {
    return styleText(colour, text, { stream: this.#out });
  }
}
