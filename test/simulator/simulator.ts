import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';

import { AwsAccounts } from './aws/accounts.ts';
import type { Answer } from './behaviours/answer.ts';
import type { Behaviour } from './behaviours/behaviour.ts';
import { Call } from './call.ts';
import { CallLog } from './call-log.ts';
import { fastListener } from './fast-listener.ts';
import { planFor } from './plan.ts';
import { readBody } from './read-body.ts';
import { routeFor } from './routes.ts';
import { Scripts, type Script, type Scripted } from './script.ts';
import { Transmission } from './transmission.ts';
import { describe, unscripted } from './unscripted.ts';
import { wallClockMs } from './wall-clock.ts';

export interface SimulatorOptions {
  readonly host?: string;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** Stripped from every path before routing, for base URLs such as `http://host/api`. */
  readonly basePath?: string;
  /** Calls kept in the log; the oldest go first. With 0 nothing of a call is kept. */
  readonly keepCalls?: number;
  /** Equal requests get equal ids unless this is false. */
  readonly deterministicIds?: boolean;
  /** Gives this answer to every call, at a benchmark's speed: no script, no log. */
  readonly fast?: Answer;
  /** Told of every call when its head is there, for those who keep a log of their own. */
  readonly onCall?: (call: Call) => void;
  /** Told of every call once it has ended. */
  readonly onEnded?: (call: Call) => void;
}

/**
 * The providers of a test: one HTTP origin that does with every call what the
 * script of its key says, and remembers what it received and sent.
 */
export class Simulator {
  /** Who may call what stands in for Bedrock. */
  readonly aws = new AwsAccounts();
  readonly #options: SimulatorOptions;
  readonly #server: Server;
  readonly #scripts = new Scripts();
  readonly #log: CallLog;
  readonly #connections = new WeakMap<object, number>();
  #connectionCount = 0;
  #callCount = 0;
  #unscripted: Call[] = [];
  #url = '';

  constructor(options: SimulatorOptions = {}) {
    this.#options = options;
    this.#log = new CallLog(options.keepCalls ?? 100_000);
    this.#server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 });
    this.#server.on(
      'request',
      options.fast === undefined ? this.#listener() : fastListener(options.fast),
    );
    this.#server.on('connection', (socket) => {
      socket.setNoDelay(true);
      this.#connections.set(socket, (this.#connectionCount += 1));
    });
  }

  get url(): string {
    return this.#url;
  }

  get calls(): readonly Call[] {
    return this.#log.calls;
  }

  /** How many TCP connections were opened so far. */
  get connectionCount(): number {
    return this.#connectionCount;
  }

  /** Calls that no script covered. */
  get unscripted(): readonly Call[] {
    return this.#unscripted;
  }

  async listen(): Promise<this> {
    const { host = '127.0.0.1', port = 0 } = this.#options;
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    this.#url = `http://${host}:${portOf(this.#server)}`;
    return this;
  }

  /** Ends every open call; returns when the port is free. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** The script of a key, made on first mention. */
  key(key: string): Script {
    return this.#scripts.key(key);
  }

  /** For keys without a script of their own, and what their own script does not cover. */
  get anyKey(): Script {
    return this.#scripts.anyKey;
  }

  /** For calls that carry no credential; `anyKey` does not cover them. */
  get withoutKey(): Script {
    return this.#scripts.withoutKey;
  }

  onAnyKey(scripted: Scripted): this {
    this.anyKey.always(scripted);
    return this;
  }

  callsFor(key: string): readonly Call[] {
    return this.calls.filter((call) => call.key === key);
  }

  /** The first matching call whose request is complete, past or future. */
  async waitForCall(
    matches: (call: Call) => boolean = () => true,
    timeoutMs = 5_000,
  ): Promise<Call> {
    return this.#log.wait((call) => call.isReceived && matches(call), timeoutMs);
  }

  /** Resolves when this many calls have been received since the last `clear`. */
  async waitForCalls(count: number, timeoutMs = 5_000): Promise<readonly Call[]> {
    const received = (): readonly Call[] => this.calls.filter((call) => call.isReceived);
    await this.#log.wait(() => received().length >= count, timeoutMs);
    return received();
  }

  /** Fails the test that made a call nobody scripted. */
  assertNoUnscripted(): void {
    if (this.#unscripted.length === 0) return;
    throw new Error(`unscripted calls:\n${this.#unscripted.map(describe).join('\n')}`);
  }

  /** Forgets calls and scripts; open calls run on. */
  clear(): void {
    this.#log.clear();
    this.#scripts.reset();
    this.aws.reset();
    this.#unscripted = [];
  }

  #listener(): RequestListener {
    return (req, res) => {
      this.#serve(req, res).catch((error: unknown) => {
        // A script that throws is a broken test: the client must not wait for it.
        res.destroy();
        throw error;
      });
    };
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const call = this.#callFrom(req);
    const transmission = new Transmission(call, res);
    this.#log.add(call);
    const { onCall, onEnded } = this.#options;
    onCall?.(call);
    if (onEnded !== undefined) void call.ended.then(onEnded);
    const body = await readBody(req);
    if (body === null) return;
    call.receiveBody(body);
    const behaviour = this.#behaviourFor(call);
    call.behaviour = behaviour.name;
    this.#log.announce(call);
    await transmission.run(planFor(call, behaviour, this.#options.deterministicIds === false));
  }

  #callFrom(req: IncomingMessage): Call {
    const { method = '', url: path = '', headers, rawHeaders } = req;
    const { basePath = '' } = this.#options;
    const target = path.startsWith(basePath) ? path.slice(basePath.length) : path;
    return new Call({
      ordinal: (this.#callCount += 1),
      connection: this.#connections.get(req.socket) ?? 0,
      receivedAtMs: wallClockMs(),
      method,
      path,
      route: routeFor(method, target, headers),
      headers,
      rawHeaders,
    });
  }

  #behaviourFor(call: Call): Behaviour {
    const refusal = call.route.vendor === 'aws' ? this.aws.refusal(call) : undefined;
    const behaviour = refusal ?? this.#scripts.next(call);
    if (behaviour !== null) return behaviour;
    this.#unscripted.push(call);
    return unscripted(call);
  }
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('not listening');
  return address.port;
}
