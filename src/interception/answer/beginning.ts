import type { Findings } from '../apis/api.ts';
import type { AnswerObserver } from './answer-observer.ts';

/** So many chunks are looked at for the id of an answer: to look costs all that was found so far. */
const CHUNKS_MAX = 8;

/** Tells once that an answer has named itself. Some streams begin with events that do not say yet whose they are. */
export class Beginning {
  readonly #observer: AnswerObserver;
  readonly #onBegun: (findings: Findings) => void;
  #chunksLeft = CHUNKS_MAX;

  constructor(observer: AnswerObserver, onBegun: (findings: Findings) => void) {
    this.#observer = observer;
    this.#onBegun = onBegun;
  }

  /** To be called after each chunk of an answer that goes on. */
  look(): void {
    if (this.#chunksLeft === 0 || !this.#observer.hasBegun) return;
    const findings = this.#observer.findings();
    this.#chunksLeft -= 1;
    if (findings.messageId === null) return;
    this.#chunksLeft = 0;
    this.#onBegun(findings);
  }
}
