import { errorText } from '../core/errors.ts';
import type { AttemptDump } from './dump/attempt-dump.ts';
import type { Answer, AnswerBody } from './wire/upstream-call.ts';

/** The same answer, of which the dump gets what is consumed. */
export async function dumpedCall(call: Promise<Answer>, dump: AttemptDump): Promise<Answer> {
  try {
    const answer = await call;
    dump.answered(answer.status, answer.headers);
    return { ...answer, body: new DumpedBody(answer.body, dump) };
  } catch (error) {
    dump.failed(errorText(error));
    throw error;
  }
}

class DumpedBody implements AnswerBody {
  readonly #body: AnswerBody;
  readonly #dump: AttemptDump;

  constructor(body: AnswerBody, dump: AttemptDump) {
    this.#body = body;
    this.#dump = dump;
  }

  async read(): Promise<Buffer | undefined> {
    try {
      const chunk = await this.#body.read();
      if (chunk === undefined) this.#dump.ended();
      else this.#dump.chunk(chunk);
      return chunk;
    } catch (error) {
      this.#dump.failed(errorText(error));
      throw error;
    }
  }

  cancel(): void {
    this.#dump.ended();
    this.#body.cancel();
  }
}
