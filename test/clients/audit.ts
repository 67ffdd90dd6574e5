import { until } from '../support/until.ts';

/** What the audit API says of a call, as far as these tests compare it; `docs/openapi.json` has the rest. */
export interface CallRecord {
  readonly id: string;
  readonly client: string;
  readonly sessionId: string | null;
  readonly purpose: string;
  readonly method: string;
  readonly status: string;
  readonly failedOver: boolean;
  readonly credential: { readonly kind: string; readonly hint: string };
  readonly attempts: readonly {
    readonly outcome: string;
    readonly credential: { readonly hint: string };
  }[];
  readonly prompts: readonly { readonly text: string; readonly source: string }[];
  readonly toolUsages: readonly {
    readonly tool: string;
    readonly input: string;
    readonly injected: boolean;
  }[];
}

export interface SessionRecord {
  readonly id: string;
  readonly turns: number;
  readonly threads: readonly { readonly turns: readonly { readonly id: string }[] }[];
}

/** The audit of a bridge, read as any program reads it. */
export class Audit {
  readonly #api: string;

  constructor(bridgeUrl: string) {
    this.#api = `${bridgeUrl}/api/v1`;
  }

  async answers(): Promise<true | undefined> {
    const { ok } = await fetch(`${this.#api}/interceptions?limit=1`);
    return ok ? true : undefined;
  }

  /** Calls of models since then, oldest first, when there are this many and all have ended. */
  async calls(since: Date, atLeast: number): Promise<readonly CallRecord[]> {
    const listed = await until(`${atLeast} records that have ended`, async () => {
      const calls = await this.#listed(since);
      const areEnded = calls.every(({ status }) => status !== 'in_progress');
      return areEnded && calls.length >= atLeast ? calls : undefined;
    });
    return this.#whole(listed);
  }

  /** The one call that runs, as soon as its record shows an attempt. */
  async openCall(since: Date): Promise<CallRecord> {
    return until('an open record that shows its attempt', async () => {
      const calls = await this.#whole(await this.#listed(since));
      return calls.find(({ attempts }) => attempts.at(-1)?.outcome === 'in_progress');
    });
  }

  async session(id: string): Promise<SessionRecord> {
    return this.#get(`/sessions/${encodeURIComponent(id)}`);
  }

  async #listed(since: Date): Promise<readonly CallRecord[]> {
    const query = `limit=200&startedAfter=${since.toISOString()}`;
    const { items } = await this.#get<{ items: CallRecord[] }>(`/interceptions?${query}`);
    return items.filter(({ method }) => method === 'POST').toReversed();
  }

  async #whole(listed: readonly CallRecord[]): Promise<readonly CallRecord[]> {
    return Promise.all(listed.map(({ id }) => this.#get<CallRecord>(`/interceptions/${id}`)));
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#api}${path}`);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return Object(await response.json());
  }
}

/** What a call comes to, in the order in which it is compared. */
export interface Facts {
  readonly purpose: string;
  /** What the user wrote, without what the client wrote around it. */
  readonly asked: readonly string[];
  readonly tools: readonly string[];
}

export function factsOf({ purpose, prompts, toolUsages }: CallRecord): Facts {
  return {
    purpose,
    asked: prompts.filter(({ source }) => source === 'user').map(({ text }) => text),
    tools: toolUsages.map(({ tool, input }) => `${tool} ${input}`),
  };
}

/** What the client wrote on its own account beside the user's words. */
export function machineTextOf(call: CallRecord | undefined): string {
  const machine = call?.prompts.filter(({ source }) => source === 'machine') ?? [];
  return machine.map(({ text }) => text).join('\n');
}

/** The calls of each thread of a session. */
export function threadsOf(session: SessionRecord): readonly (readonly string[])[] {
  return session.threads.map(({ turns }) => turns.map(({ id }) => id));
}
