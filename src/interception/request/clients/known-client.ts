import type { IncomingHttpHeaders } from 'node:http';
import type { JsonObject } from '../../../core/json.ts';
import type { Purpose } from '../../../recording/index.ts';
import type { MachineText } from './machine-text.ts';

/** What is known of a program that calls. All of it is data: a version that changes is a line here. */
export interface KnownClient {
  readonly label: string;
  /** How its user agent begins, in lower case. */
  readonly userAgent?: string;
  /** Or a header that it sends: of a value, or of any. */
  readonly header?: { readonly name: string; readonly value?: string };
  /** Where it names the session, the newest way first; the first that says anything counts. */
  readonly sessions?: readonly SessionSource[];
  /** What it puts into the user's turns beside the user's words. */
  readonly machineText?: readonly MachineText[];
  /** The calls that it makes for itself; the first that fits counts, and none is the conversation. */
  readonly helpers?: readonly HelperCall[];
}

export interface HelperCall {
  readonly purpose: Exclude<Purpose, 'main'>;
  readonly when: Mark;
}

/** Undefined where it is silent; an empty text says that there is no session. */
export type SessionSource = (call: ClientCall) => string | undefined;

export type Mark = (call: ClientCall) => boolean;

/** A request as its client can be told by. */
export interface ClientCall {
  readonly headers: IncomingHttpHeaders;
  /** Undefined where it was not read. */
  readonly body: JsonObject | undefined;
  /** The last text of the user's turn, which is where clients put what they ask for themselves. */
  readonly lastText: string;
}
