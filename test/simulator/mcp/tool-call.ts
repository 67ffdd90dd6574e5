import type { IncomingHttpHeaders } from 'node:http';

export interface ToolCallFacts {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly headers: IncomingHttpHeaders;
  /** Breaks the connection that the call came by. */
  readonly disconnect: () => void;
}

/** A call of a tool, as the server sees it. */
export class ToolCall {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly headers: IncomingHttpHeaders;
  readonly disconnect: () => void;
  /** Resolves when the caller sends `notifications/cancelled`. */
  readonly cancelled: Promise<void>;
  /** Resolves when the connection is closed before the answer was sent. */
  readonly abandoned: Promise<void>;
  /** Resolves when the test says so. */
  readonly released: Promise<void>;
  isCancelled = false;
  isAbandoned = false;
  readonly #cancelled = Promise.withResolvers<void>();
  readonly #abandoned = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();

  constructor({ tool, input, headers, disconnect }: ToolCallFacts) {
    this.tool = tool;
    this.input = input;
    this.headers = headers;
    this.disconnect = disconnect;
    this.cancelled = this.#cancelled.promise;
    this.abandoned = this.#abandoned.promise;
    this.released = this.#released.promise;
  }

  get sessionId(): string | undefined {
    return this.headers['mcp-session-id']?.toString();
  }

  /** Lets a tool that waits for it go on. */
  release(): void {
    this.#released.resolve();
  }

  noteCancelled(): void {
    this.isCancelled = true;
    this.#cancelled.resolve();
  }

  noteAbandoned(): void {
    this.isAbandoned = true;
    this.#abandoned.resolve();
  }
}
