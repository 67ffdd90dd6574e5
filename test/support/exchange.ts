import type { Behaviour } from '../simulator/index.ts';
import type { ApiUnderTest, Mode } from './api-under-test.ts';
import type { AuditRow } from './audit-tables.ts';
import type { Fleet, FleetProvider } from './fleet.ts';

export interface Question {
  readonly prompt?: string;
  readonly mode?: Mode;
  readonly model?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What a client has of an answer that it received to its end. */
export interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The interception. */
  readonly id: string;
}

export interface Audited {
  readonly row: AuditRow;
  readonly attempts: readonly AuditRow[];
}

/** A client of one provider on one API. */
export class Caller {
  constructor(
    private readonly fleet: Fleet,
    readonly provider: FleetProvider,
    readonly api: ApiUnderTest,
  ) {}

  async ask(question: Question = {}): Promise<Received> {
    const res = await this.send(question);
    return {
      status: res.status,
      headers: res.headers,
      text: await res.text(),
      id: res.headers.get('x-aibridge-interception-id') ?? '',
    };
  }

  /** The answer as soon as its head is there. */
  send({ prompt = 'hi', mode, model, headers, signal }: Question = {}): Promise<Response> {
    const request = { prompt, streaming: mode === 'streaming', ...(model && { model }) };
    return fetch(`${this.fleet.bridge.url}/${this.provider.name}${this.api.route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(this.api.body(request)),
      ...(signal && { signal }),
    });
  }

  /** What each key of the provider answers from now on; a key that must not be called says nothing. */
  script(behaviours: readonly (Behaviour | undefined)[]): this {
    for (const [index, key] of this.provider.keys.entries()) {
      const scripted = this.fleet.simulator.key(key).reset();
      const behaviour = behaviours[index];
      if (behaviour) scripted.always(behaviour);
    }
    return this;
  }

  /** The header with which a caller brings a credential of its own. */
  ownCredential(secret: string): Record<string, string> {
    const isBearer = this.api.authHeader === 'authorization';
    return { [this.api.authHeader]: isBearer ? `Bearer ${secret}` : secret };
  }

  /** `k0`, `k1`, … in the order in which they reached the provider. */
  get keysSeen(): readonly string[] {
    return this.fleet
      .callsOf(this.provider)
      .map(({ key }) => `k${this.provider.keys.indexOf(key ?? '')}`);
  }

  /** The record, once the interception has ended. */
  async audited(id: string): Promise<Audited> {
    const row = await this.fleet.tables.ended(id);
    const attempts = await this.fleet.tables.rows(
      'SELECT * FROM attempts WHERE interception_id = $1 ORDER BY ordinal',
      [id],
    );
    return { row, attempts };
  }
}
