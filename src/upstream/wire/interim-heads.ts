import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Longer than any interim head in earnest; one that is longer is left to undici. */
const HEAD_BYTES_MAX = 16 * 1024;
/** So are those that come after so much of them. */
const ALL_HEADS_BYTES_MAX = 64 * 1024;

const BEGINNING = Buffer.from('HTTP/1.1 1');
/** `HTTP/1.1 1xx` and what comes after the status. */
const TOLD_AFTER_BYTES = BEGINNING.length + 3;
const END_OF_HEAD = '\r\n\r\n';
const NOTHING = Buffer.alloc(0);

const ofSockets = new WeakMap<object, InterimHeads>();

// How undici tells, by its documented channel, that the next bytes on a socket are an answer's.
subscribe('undici:client:sendHeaders', (message) => {
  if (!isAboutSocket(message)) return;
  ofSockets.get(message.socket)?.expect();
});

/**
 * Takes interim answers out of what a provider sends ahead of its answer. RFC 9110
 * §15.2 wants a client to pass over them, asked for or not; undici ends the
 * connection at a 100, and has no option that says otherwise.
 */
export function withoutInterimHeads(socket: Socket): Socket {
  const heads = new InterimHeads();
  ofSockets.set(socket, heads);
  const push = socket.push.bind(socket);
  socket.push = (chunk: Buffer | null, encoding) => {
    if (!heads.isExpected) return push(chunk, encoding);
    const rest = chunk === null ? heads.giveUp() : heads.taken(chunk);
    const wantsMore = rest.length === 0 || push(rest);
    return chunk === null ? push(null) : wantsMore;
  };
  return socket;
}

/**
 * Looks at the bytes from a request to the first byte of its answer, and at no others:
 * what looks like an interim head in the middle of an answer is part of it.
 */
export class InterimHeads {
  #isExpected = false;
  #held: Buffer = NOTHING;
  #takenBytes = 0;

  get isExpected(): boolean {
    return this.#isExpected;
  }

  /** A request was sent. */
  expect(): void {
    this.#isExpected = true;
    this.#takenBytes = 0;
  }

  /** What is left of the bytes. The beginning of what may be an interim head is held. */
  taken(bytes: Buffer): Buffer {
    let rest = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#held = NOTHING;
    while (this.#takenBytes < ALL_HEADS_BYTES_MAX && mayBeInterim(rest)) {
      const end = rest.subarray(0, HEAD_BYTES_MAX).indexOf(END_OF_HEAD);
      if (end === -1) {
        if (rest.length >= HEAD_BYTES_MAX) break;
        this.#held = rest;
        return NOTHING;
      }
      this.#takenBytes += end + END_OF_HEAD.length;
      rest = rest.subarray(end + END_OF_HEAD.length);
      if (rest.length === 0) return NOTHING;
    }
    this.#isExpected = false;
    return rest;
  }

  /** Nothing more will come: what was held is all there is. */
  giveUp(): Buffer {
    const rest = this.#held;
    this.#held = NOTHING;
    this.#isExpected = false;
    return rest;
  }
}

/** Any 1xx but 101, after which it is no HTTP any more; or too little to tell. */
function mayBeInterim(bytes: Buffer): boolean {
  const told = Math.min(bytes.length, BEGINNING.length);
  if (BEGINNING.compare(bytes, 0, told, 0, told) !== 0) return false;
  if (bytes.length < TOLD_AFTER_BYTES) return true;
  return /^(?!01)\d\d[ \r]/.test(bytes.toString('latin1', BEGINNING.length, TOLD_AFTER_BYTES));
}

function isAboutSocket(message: unknown): message is { readonly socket: object } {
  return typeof message === 'object' && message !== null && 'socket' in message;
}
