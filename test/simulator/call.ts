import type { IncomingHttpHeaders } from 'node:http';

import type { HeaderBag } from './behaviours/behaviour.ts';
import { Gate } from './gate.ts';
import type { Route } from './routes.ts';

/** `cut` and `reset` are the simulator's doing, the last two the client's. */
export type Outcome = 'completed' | 'cut' | 'reset' | 'client_closed' | 'never_answered';

/** What is known of a call when its headers are there. */
export type Received = Pick<
  Call,
  'ordinal' | 'connection' | 'receivedAtMs' | 'method' | 'path' | 'route' | 'headers' | 'rawHeaders'
>;

/** Bytes of a body that were handed over together. */
export interface SentChunk {
  readonly bytes: Buffer;
  /** When they were handed over; they left between this moment and the next. */
  readonly atMs: number;
  /** When the kernel had them; null while it has not. */
  leftAtMs: number | null;
}

/** What was handed to the network, body bytes as they were before HTTP chunking. */
class Sent {
  status: number | null = null;
  headers: HeaderBag = {};
  headersAtMs: number | null = null;
  readonly chunks: SentChunk[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.chunks.map((chunk) => chunk.bytes));
  }

  get text(): string {
    return this.bytes.toString('utf8');
  }

  head(status: number, headers: HeaderBag, atMs: number): void {
    this.status = status;
    this.headers = headers;
    this.headersAtMs = atMs;
  }

  body(bytes: Buffer, atMs: number): SentChunk {
    const chunk = { bytes, atMs, leftAtMs: null };
    this.chunks.push(chunk);
    return chunk;
  }
}

/** One call to a simulated provider: the truth that a test holds against the bridge's records. */
export class Call {
  readonly ordinal: number;
  readonly connection: number;
  readonly receivedAtMs: number;
  readonly method: string;
  /** With its query, as it came. */
  readonly path: string;
  readonly route: Route;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly key: string | null;
  readonly credentialHeader: Credential['header'];
  readonly sent = new Sent();
  readonly gate = new Gate();

  /** Exact bytes; complete once the call is handed to its script. */
  body: Buffer = Buffer.alloc(0);
  /** The parsed body, undefined when it is no JSON. */
  json: unknown = undefined;
  model: string | null = null;
  isStreaming = false;
  /** Whether the request is complete. */
  isReceived = false;
  /** The name of the behaviour that its script chose. */
  behaviour = '';
  outcome: Outcome | null = null;
  endedAtMs: number | null = null;
  clientClosedAtMs: number | null = null;

  readonly #ended = Promise.withResolvers<Call>();

  constructor(received: Received) {
    this.ordinal = received.ordinal;
    this.connection = received.connection;
    this.receivedAtMs = received.receivedAtMs;
    this.method = received.method;
    this.path = received.path;
    this.route = received.route;
    this.headers = received.headers;
    this.rawHeaders = received.rawHeaders;
    const credential = credentialOf(received.headers);
    this.key = credential.key;
    this.credentialHeader = credential.header;
  }

  /** Resolves with the call itself when nothing more will be sent. */
  get ended(): Promise<Call> {
    return this.#ended.promise;
  }

  /** Lets the answer run on without any further pause. */
  release(): void {
    this.gate.open();
  }

  /** Lets the answer run on to its next pause. */
  step(): void {
    this.gate.step();
  }

  receiveBody(body: Buffer): void {
    this.body = body;
    this.json = parsed(body);
    const { name, id } = this.route;
    const model = name.startsWith('bedrock_')
      ? decodeURIComponent(id)
      : memberOf(this.json, 'model');
    this.model = typeof model === 'string' && model !== '' ? model : null;
    this.isStreaming =
      name === 'bedrock_stream' ||
      memberOf(this.json, 'stream') === true ||
      this.route.query.get('stream') === 'true';
    this.isReceived = true;
  }

  end(outcome: Outcome, atMs: number): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    this.endedAtMs = atMs;
    this.#ended.resolve(this);
  }

  clientClosed(atMs: number): void {
    this.clientClosedAtMs = atMs;
    this.end(this.sent.status === null ? 'never_answered' : 'client_closed', atMs);
    this.gate.open();
  }
}

export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function parsed(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // A provider has to cope with a body that is no JSON, so this one does too.
    return undefined;
  }
}

interface Credential {
  readonly key: string | null;
  readonly header: 'x-api-key' | 'authorization' | null;
}

function credentialOf(headers: IncomingHttpHeaders): Credential {
  const apiKey = headers['x-api-key'];
  if (typeof apiKey === 'string' && apiKey !== '') return { key: apiKey, header: 'x-api-key' };
  const aws = /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)/.exec(headers.authorization ?? '')?.[1];
  if (aws !== undefined) return { key: aws, header: 'authorization' };
  const token = /^bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  return token === undefined
    ? { key: null, header: null }
    : { key: token, header: 'authorization' };
}
