import { objectAt, stringAt, type JsonObject } from '../../../core/json.ts';
import type { ThoughtFinding, ToolFinding } from '../api.ts';
import { inputOf, reasoningIn, thoughtOf, toolCalls } from './chat-answer.ts';
import { OpenCalls } from './open-calls.ts';

/** One of the answers of a stream while its pieces arrive. */
export class OpenChoice {
  readonly #calls = new OpenCalls();
  readonly #thought: string[] = [];
  isFinished = false;

  get hasCalls(): boolean {
    return this.#calls.all.length > 0;
  }

  add(choice: JsonObject): void {
    const delta = objectAt(choice, 'delta');
    if (delta !== undefined) {
      this.#thought.push(reasoningIn(delta) ?? '');
      for (const piece of toolCalls(delta)) this.#calls.add(piece);
    }
    if ((stringAt(choice, 'finish_reason') ?? '') !== '') this.isFinished = true;
  }

  /** A thought that was cut off was still thought. */
  get thoughts(): ThoughtFinding[] {
    return thoughtOf(this.#thought.join(''));
  }

  /** A call is whole when the next one has begun or the choice is finished; one that was cut off was never made. */
  get tools(): ToolFinding[] {
    const whole = this.isFinished ? this.#calls.all : this.#calls.all.slice(0, -1);
    return whole.map(({ id, tool, parts }) => ({
      toolCallId: id,
      tool,
      input: inputOf(parts.join('')),
    }));
  }
}
