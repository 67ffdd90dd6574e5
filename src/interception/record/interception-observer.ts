import type { EndFacts, InterceptionRecord, StartFacts, ToolRow } from '../../recording/index.ts';
import type { Exchange } from '../exchange/exchange.ts';

/** An interception whose start is recorded. */
export interface BegunInterception {
  readonly exchange: Exchange;
  readonly facts: StartFacts;
  /** Monotonic: when the request was there as a whole, and when its start was recorded. */
  readonly readMs: number;
  readonly recordedMs: number;
}

/**
 * Looks on while interceptions run, recorded or not: metrics, traces. It is told
 * what the record is told, and changes nothing. It must neither throw nor wait.
 */
export interface InterceptionObserver {
  begun(interception: BegunInterception): ObservedInterception;
}

type Contents = Pick<InterceptionRecord, 'attempt' | 'usage' | 'prompt' | 'tool' | 'thought'>;
/** Of what an interception knows of itself before it ends, the record alone is told. */
type SoFar = Pick<InterceptionRecord, 'attemptBegun' | 'usageSoFar' | 'toolBegun'>;

/** One of them, from its start to its end. */
export interface ObservedInterception extends Contents {
  /** The end is known and about to be recorded. */
  ending(facts: EndFacts): void;
  /** It is recorded. */
  ended(): void;
}

/** A record that also tells the observers what it is told. */
export class ObservedRecord implements InterceptionRecord {
  readonly #record: InterceptionRecord;
  readonly #observed: readonly ObservedInterception[];

  constructor(record: InterceptionRecord, observed: readonly ObservedInterception[]) {
    this.#record = record;
    this.#observed = observed;
  }

  attemptBegun(facts: Parameters<SoFar['attemptBegun']>[0]): void {
    this.#record.attemptBegun(facts);
  }

  headArrived(status: number): void {
    this.#record.headArrived(status);
  }

  usageSoFar(facts: Parameters<SoFar['usageSoFar']>[0]): void {
    this.#record.usageSoFar(facts);
  }

  attempt(facts: Parameters<Contents['attempt']>[0]): void {
    this.#record.attempt(facts);
    for (const each of this.#observed) each.attempt(facts);
  }

  usage(facts: Parameters<Contents['usage']>[0]): void {
    this.#record.usage(facts);
    for (const each of this.#observed) each.usage(facts);
  }

  prompt(facts: Parameters<Contents['prompt']>[0]): void {
    this.#record.prompt(facts);
    for (const each of this.#observed) each.prompt(facts);
  }

  toolBegun(facts: Parameters<SoFar['toolBegun']>[0]): Promise<ToolRow> {
    return this.#record.toolBegun(facts);
  }

  tool(facts: Parameters<Contents['tool']>[0], row?: ToolRow): void {
    this.#record.tool(facts, row);
    for (const each of this.#observed) each.tool(facts);
  }

  thought(facts: Parameters<Contents['thought']>[0]): void {
    this.#record.thought(facts);
    for (const each of this.#observed) each.thought(facts);
  }

  flush(): void {
    this.#record.flush();
  }

  async end(facts: EndFacts): Promise<void> {
    for (const each of this.#observed) each.ending(facts);
    await this.#record.end(facts);
    for (const each of this.#observed) each.ended();
  }
}
