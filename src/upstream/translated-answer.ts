import type { AnswerHead, StreamDecoder, Translator } from '../providers/index.ts';
import { headerValue, withoutHeader } from './header-policy.ts';
import { ERROR_BOUNDS, PeekableBody } from './peekable-body.ts';
import type { Answer, AnswerBody } from './wire/upstream-call.ts';
import { UpstreamFailure } from './wire/upstream-failure.ts';

/**
 * An answer in the words of the API. From here on nobody knows that the provider has others, so
 * what opens a stream, ends it or breaks it off is told by those who tell it of every provider.
 */
export async function translatedAnswer(
  call: Promise<Answer>,
  translator: Translator,
): Promise<Answer> {
  const answer = await call;
  const head = {
    status: answer.status,
    valueOf: (name: string) => headerValue(answer.headers, name),
  };
  if (answer.status >= 400) return translatedError(answer, head, translator);
  const decoder = await translator.streamDecoder(head);
  if (decoder === undefined) return answer;
  const headers = [...withoutLength(answer), 'content-type', 'text/event-stream; charset=utf-8'];
  return { ...answer, headers, body: new DecodedBody(answer.body, decoder) };
}

/** One that is longer, or takes longer, is relayed as it came. */
async function translatedError(
  answer: Answer,
  head: AnswerHead,
  translator: Translator,
): Promise<Answer> {
  const body = new PeekableBody(answer.body);
  const untranslated = { ...answer, body };
  try {
    await body.peek(() => false, ERROR_BOUNDS);
  } catch (failure) {
    if (!(failure instanceof UpstreamFailure)) throw failure;
    // Whoever reads on meets it again; the status is known all the same.
    return untranslated;
  }
  const error = body.isEnded ? translator.error(head, body.peeked) : undefined;
  if (error === undefined) return untranslated;
  const { status, json } = error;
  const headers = [
    ...withoutLength(answer),
    'content-type',
    'application/json',
    'content-length',
    String(json.length),
  ];
  return { status, headers, body: new WholeBody(json) };
}

function withoutLength({ headers }: Answer): string[] {
  return withoutHeader(withoutHeader(headers, 'content-length'), 'content-type');
}

class DecodedBody implements AnswerBody {
  readonly #body: AnswerBody;
  readonly #decoder: StreamDecoder;

  constructor(body: AnswerBody, decoder: StreamDecoder) {
    this.#body = body;
    this.#decoder = decoder;
  }

  async read(): Promise<Buffer | undefined> {
    for (;;) {
      const { failure } = this.#decoder;
      if (failure !== undefined) {
        this.#body.cancel();
        throw new UpstreamFailure('malformed', failure);
      }
      const bytes = await this.#body.read();
      if (bytes === undefined) return this.#ended();
      const events = this.#decoder.pass(bytes);
      if (events.length > 0) return events;
    }
  }

  cancel(): void {
    this.#body.cancel();
  }

  #ended(): undefined {
    if (this.#decoder.isBetweenFrames) return undefined;
    throw new UpstreamFailure('truncated', 'the stream ended in the middle of a frame');
  }
}

class WholeBody implements AnswerBody {
  #bytes: Buffer | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  read(): Promise<Buffer | undefined> {
    const bytes = this.#bytes;
    this.#bytes = undefined;
    return Promise.resolve(bytes);
  }

  cancel(): void {
    this.#bytes = undefined;
  }
}
