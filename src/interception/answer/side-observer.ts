import { NOTHING_FOUND, type Findings } from '../apis/api.ts';
import type { SideRoute } from '../apis/side-routes.ts';
import type { AnswerObserver } from './answer-observer.ts';

/**
 * Looks on at an answer that is relayed without being read. Whatever is found in it, it
 * ends as HTTP says that it does: nothing of it can fail the call, or hold it back.
 */
export class SideObserver implements AnswerObserver {
  readonly framing = 'length';
  readonly isComplete = false;
  readonly lacksLastEvent = false;
  readonly isBetweenFrames = false;
  readonly flaw = undefined;
  readonly #reader: AnswerObserver;
  readonly #answer: SideRoute['answer'];

  constructor(reader: AnswerObserver, answer: SideRoute['answer']) {
    this.#reader = reader;
    this.#answer = answer;
  }

  get hasBegun(): boolean {
    return this.#reader.hasBegun;
  }

  get hasGaps(): boolean {
    return this.#reader.hasGaps;
  }

  get notes(): readonly string[] {
    const { flaw, notes } = this.#reader;
    const fetched = this.#answer === 'fetched' ? usageNote(this.#reader.findings()) : [];
    return [...notes, ...(flaw === undefined ? [] : [flaw.message]), ...fetched];
  }

  chunk(bytes: Buffer): void {
    this.#reader.chunk(bytes);
  }

  end(): void | Promise<void> {
    return this.#reader.end();
  }

  findings(): Findings {
    const found = this.#reader.findings();
    if (this.#answer === 'counted') return { ...found, error: undefined };
    const { messageId, servedModel } = found;
    return { ...NOTHING_FOUND, messageId, servedModel };
  }

  inBandError(): string {
    return '';
  }
}

/** The same response may be fetched any number of times. */
function usageNote({ usage }: Findings): string[] {
  if (usage === undefined) return [];
  const { input, output, cacheRead, cacheWrite } = usage;
  const counts = `${input} input, ${output} output, ${cacheRead} cache read, ${cacheWrite} cache write`;
  return [`the response says that it used ${counts} tokens; they are not counted here`];
}
