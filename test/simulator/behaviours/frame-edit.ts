import type { Behaviour } from './behaviour.ts';
import { problem, type Problem, type ProblemKind, type ProblemWords } from './problem.ts';

/** How the Responses API words an error inside a stream; the other APIs know one way only. */
export type StreamErrorShape = 'flat' | 'nested' | 'failed';

/** A change to the frames of a streamed answer. A blocking answer has none and stays whole. */
export type FrameEdit =
  | {
      readonly kind: 'error';
      readonly afterEvents: number;
      readonly problem: Problem;
      readonly shape: StreamErrorShape;
    }
  | { readonly kind: 'malformed'; readonly atEvent: number }
  | { readonly kind: 'no_terminal' }
  | { readonly kind: 'comments'; readonly text: string }
  | { readonly kind: 'leading_comments'; readonly text: string; readonly count: number }
  | { readonly kind: 'unknown_events' };

/** How frames are written down; all of it is allowed by the SSE specification. */
export interface Framing {
  readonly eol?: '\n' | '\r\n' | '\r';
  readonly spaceAfterColon?: boolean;
  /** The JSON of an event over several `data:` lines. */
  readonly multiLineData?: boolean;
}

interface StreamErrorOptions extends ProblemWords {
  readonly shape?: StreamErrorShape;
}

/** An HTTP 200 whose first event is an error, as providers send when they notice too late. */
export function errorFirst(kind: ProblemKind, options: StreamErrorOptions = {}): Behaviour {
  return { ...errorMidStream(kind, { ...options, afterEvents: 0 }), name: `error_first_${kind}` };
}

/** The answer breaks off after some events with an in-band error. */
export function errorMidStream(
  kind: ProblemKind,
  options: StreamErrorOptions & { afterEvents?: number } = {},
): Behaviour {
  const { shape = 'flat', afterEvents = 3, ...words } = options;
  const edit: FrameEdit = { kind: 'error', afterEvents, problem: problem(kind, words), shape };
  return { name: `error_mid_stream_${kind}`, edits: [edit] };
}

/** One event, counted from 0, whose JSON is cut in the middle. */
export function malformedFrame(options: { atEvent?: number } = {}): Behaviour {
  return { name: 'malformed_frame', edits: [{ kind: 'malformed', atEvent: options.atEvent ?? 1 }] };
}

/** Everything but the event that says the answer is complete; HTTP ends cleanly. */
export function missingTerminal(): Behaviour {
  return { name: 'missing_terminal', edits: [{ kind: 'no_terminal' }] };
}

/** A comment before every event, as keep-alives come. */
export function commentFrames(text = 'keep-alive'): Behaviour {
  return { name: 'comment_frames', edits: [{ kind: 'comments', text }] };
}

/** Comments and nothing else, until the model has begun: `paced` or `stepped` says for how long. */
export function keepAlives(options: { count?: number; text?: string } = {}): Behaviour {
  const { count = 2, text = 'keep-alive' } = options;
  return { name: 'keep_alives', edits: [{ kind: 'leading_comments', text, count }] };
}

/** Events and fields of a future API version among the known ones. */
export function unknownEvents(): Behaviour {
  return { name: 'unknown_events', edits: [{ kind: 'unknown_events' }] };
}

export function framed(framing: Framing): Behaviour {
  return { name: 'framed', framing };
}

export function crlf(): Behaviour {
  return { name: 'crlf', framing: { eol: '\r\n' } };
}
