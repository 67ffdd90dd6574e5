import type { Answer } from './answer.ts';
import type { Delivery } from './delivery.ts';
import type { FrameEdit, Framing } from './frame-edit.ts';
import type { Problem } from './problem.ts';

export type HeaderBag = Readonly<Record<string, string | string[]>>;

/** A content encoding of the whole body. */
export type Encoding = 'gzip' | 'br' | 'zstd';

/** What the simulator says, before any fault is applied to how it says it. */
export type Reply =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'raw'; readonly status: number; readonly body: string | Buffer }
  | { readonly kind: 'socket_bytes'; readonly bytes: Buffer }
  | { readonly kind: 'reset' };

/**
 * One scripted reaction to a call, as plain data. Every part is optional: what
 * is left out is that of a healthy provider, so a fault alone is a whole
 * behaviour and `combine` stacks several.
 */
export interface Behaviour {
  readonly name: string;
  readonly reply?: Reply;
  readonly edits?: readonly FrameEdit[];
  readonly framing?: Framing;
  readonly delivery?: Delivery;
  readonly headers?: HeaderBag;
  readonly encoding?: Encoding;
}

/** Stacks behaviours: edits apply in the order given, for the rest the last one wins. */
export function combine(...parts: readonly Behaviour[]): Behaviour {
  return parts.reduce((all, part) => ({
    ...all,
    ...part,
    name: `${all.name}+${part.name}`,
    edits: [...(all.edits ?? []), ...(part.edits ?? [])],
    framing: { ...all.framing, ...part.framing },
    delivery: { ...all.delivery, ...part.delivery },
    headers: { ...all.headers, ...part.headers },
  }));
}

/** Response headers on top of the provider's own; a later value replaces an earlier one. */
export function withHeaders(headers: HeaderBag): Behaviour {
  return { name: 'with_headers', headers };
}

/** The answer compressed, whether the client asked for it or not; events and their pauses are one piece then. */
export function compressed(encoding: Encoding): Behaviour {
  return { name: `compressed_${encoding}`, encoding };
}
