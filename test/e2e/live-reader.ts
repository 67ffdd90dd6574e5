import { until } from '../support/until.ts';
import { AUDITOR, type Person } from './audit-system.ts';

const PATIENCE_MS = 30_000;

export interface LiveEvent {
  readonly type: string;
  readonly id: string;
  readonly data: Record<string, unknown>;
}

export interface LiveOptions {
  readonly query?: string;
  readonly person?: Person;
  readonly lastEventId?: string | undefined;
}

/** Reads a live tail as a browser's EventSource does, but does not come back by itself. */
export class LiveReader {
  readonly events: LiveEvent[] = [];
  /** What a reader that comes back says it had last. */
  lastEventId: string | undefined;
  isOver = false;
  readonly #leaving = new AbortController();
  #unread = '';
  #stalled: PromiseWithResolvers<void> | undefined;

  private constructor(lastEventId: string | undefined) {
    this.lastEventId = lastEventId;
  }

  /** Resolves when the tail has begun: what ends from here on is seen. */
  static async open(bridgeUrl: string, options: LiveOptions = {}): Promise<LiveReader> {
    const { query = '', person = AUDITOR, lastEventId } = options;
    const reader = new LiveReader(lastEventId);
    const res = await fetch(`${bridgeUrl}/api/v1/interceptions/live${query}`, {
      headers: {
        'x-forwarded-user': person.id,
        'x-forwarded-groups': person.group ?? '',
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
      signal: reader.#leaving.signal,
    });
    const type = res.headers.get('content-type') ?? '';
    if (!type.startsWith('text/event-stream')) throw new Error(`${res.status} ${type}`);
    let hasBegun = false;
    void reader.#read(res, () => (hasBegun = true));
    await until('the tail has begun', () => (hasBegun ? true : undefined));
    return reader;
  }

  /** The interceptions that it showed. */
  get ids(): string[] {
    return this.#field('id');
  }

  /** By which a test knows its calls again. */
  get userAgents(): string[] {
    return this.#field('userAgent');
  }

  async has(count: number): Promise<string[]> {
    const all = (): true | undefined => {
      if (this.events.length >= count) return true;
      if (this.isOver) throw new Error(`the stream has ended after ${this.events.length} events`);
      return undefined;
    };
    await until(`${count} events`, all, PATIENCE_MS);
    return this.ids;
  }

  async ends(): Promise<void> {
    await until('the stream has ended', () => (this.isOver ? true : undefined));
  }

  /** Takes nothing from the socket any more, until it reads on. */
  stall(): void {
    this.#stalled = Promise.withResolvers();
  }

  readOn(): void {
    this.#stalled?.resolve();
  }

  leave(): void {
    this.#leaving.abort();
    this.readOn();
  }

  #field(name: 'id' | 'userAgent'): string[] {
    return this.events
      .filter(({ type }) => type === 'interception')
      .map(({ data }) => String(data[name]));
  }

  async #read(res: Response, onBytes: () => void): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const bytes of res.body ?? []) {
        this.#unread += decoder.decode(bytes, { stream: true });
        const blocks = this.#unread.split('\n\n');
        // The last one is still under way.
        this.#unread = blocks.pop() ?? '';
        for (const block of blocks) this.#heard(block);
        onBytes();
        await this.#stalled?.promise;
      }
    } catch {
      // Left, or broken off: what has come as a whole has come.
    }
    this.isOver = true;
  }

  #heard(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const [, name, value = ''] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      if (name !== undefined) fields.set(name, value);
    }
    this.lastEventId = fields.get('id') ?? this.lastEventId;
    const data = fields.get('data');
    if (data === undefined) return;
    const type = fields.get('event') ?? 'message';
    this.events.push({ type, id: this.lastEventId ?? '', data: Object(JSON.parse(data)) });
  }
}
