import {
  StreamableHTTPClientTransport,
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type TransportSendOptions,
} from '@modelcontextprotocol/client';

// oxlint-disable unicorn/prefer-add-event-listener -- the SDK has no other way to listen

type RequestId = string | number;

const CANCEL_MS_MAX = 2_000;
/** How many answers to what a server asks are under way at once; nobody here waits for more. */
const ASIDES_MAX = 16;

/** As no server numbers its errors: the connection of a request is gone and its answer with it. */
export const ANSWER_MISSING = -32_097;

/**
 * The transport of the SDK, which by itself waits until the timeout for an answer whose
 * connection has broken, and leaves the connection of a cancelled request open.
 */
export class CallTransport extends StreamableHTTPClientTransport {
  readonly #underWay = new Map<RequestId, AbortController>();
  #lastTrouble = '';
  #asides = 0;

  override async start(): Promise<void> {
    await super.start();
    const deliver = this.onmessage;
    this.onmessage = (message: JSONRPCMessage) => {
      const isAnswer = isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message);
      if (isAnswer && message.id !== undefined) this.#underWay.delete(message.id);
      deliver?.(message);
    };
    const tell = this.onerror;
    this.onerror = (error: Error) => {
      this.#lastTrouble = error.message;
      queueMicrotask(() => (this.#lastTrouble = ''));
      tell?.(error);
    };
  }

  override async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') {
      await this.#cancel(message);
    } else if (isJSONRPCRequest(message)) {
      await this.#ask(message, options);
    } else await this.#sendAside(message);
  }

  async #ask(message: JSONRPCRequest, options: TransportSendOptions = {}): Promise<void> {
    const { id } = message;
    const { headers, requestSignal, onRequestStreamEnd = () => this.#ended(id) } = options;
    const controller = new AbortController();
    // Without sessions the SDK cancels a request by its connection alone.
    requestSignal?.addEventListener('abort', () => this.#underWay.delete(id));
    this.#underWay.set(id, controller);
    try {
      await super.send(message, {
        ...(headers && { headers }),
        requestSignal: requestSignal
          ? AbortSignal.any([controller.signal, requestSignal])
          : controller.signal,
        onRequestStreamEnd,
      });
    } catch (error) {
      this.#underWay.delete(id);
      throw error;
    }
  }

  /** A server may ask faster than it takes the answers. */
  async #sendAside(message: JSONRPCMessage): Promise<void> {
    if (this.#asides >= ASIDES_MAX) return;
    this.#asides += 1;
    try {
      await super.send(message);
    } finally {
      this.#asides -= 1;
    }
  }

  /** Tells the server first: one that sees the connection go before that may take it for an accident. */
  async #cancel(message: JSONRPCNotification): Promise<void> {
    const id = requestIdOf(message);
    const controller = id === undefined ? undefined : this.#underWay.get(id);
    if (id !== undefined) this.#underWay.delete(id);
    try {
      await super.send(message, { requestSignal: AbortSignal.timeout(CANCEL_MS_MAX) });
    } finally {
      controller?.abort();
    }
  }

  /** The SDK says what broke a stream in the same breath as that it has ended. */
  #ended(id: RequestId): void {
    const message = this.#lastTrouble;
    if (!this.#underWay.has(id)) return;
    this.onmessage?.({ jsonrpc: '2.0', id, error: { code: ANSWER_MISSING, message } });
  }
}

function requestIdOf({ params }: JSONRPCNotification): RequestId | undefined {
  const id = params?.['requestId'];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}
