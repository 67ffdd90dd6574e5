import type { IncomingMessage } from 'node:http';
import type { Caller } from '../../identity/index.ts';
import type { CallerCredential, RequestTarget, RouteMatch } from '../../providers/index.ts';
import type { ProviderInstance } from '../../upstream/index.ts';
import type { Downstream } from './downstream.ts';

export type ServedMatch = Extract<RouteMatch, { kind: 'bridged' | 'passthrough' }>;

/** All that is known of a request before its body is read. Made once, passed along, never changed. */
export interface Exchange {
  readonly id: string;
  /** Monotonic. */
  readonly receivedMs: number;
  readonly caller: Caller;
  readonly instance: ProviderInstance;
  readonly target: RequestTarget;
  readonly match: ServedMatch;
  /** What the caller brought to pay with; undefined leaves it to the pool. */
  readonly credential: CallerCredential | undefined;
  readonly req: IncomingMessage;
  readonly downstream: Downstream;
}
