import type { IncomingMessage, ServerResponse } from 'node:http';
import { BridgeError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { introductionOf, type Caller, type Identifier } from '../identity/index.ts';
import {
  matchRoute,
  parseTarget,
  readCallerCredential,
  type CallerCredential,
  type RequestTarget,
  type RouteMatch,
} from '../providers/index.ts';
import type { ProviderInstance } from '../upstream/index.ts';
import { renderFault } from './exchange/bridge-fault.ts';
import { Downstream } from './exchange/downstream.ts';
import type { ServedMatch } from './exchange/exchange.ts';
import { Interception, type InterceptionOptions } from './interception.ts';
import { CallerGone } from './request/request-body.ts';

export interface DataPlaneOptions extends InterceptionOptions {
  readonly identifier: Identifier;
  readonly placeholderKey: string;
}

/** A caller that takes nothing of an answer for this long counts as gone. */
const STALL_MS = 5 * 60_000;

/** The door: for which provider, on which route, by whom, paid with whose key. What passes becomes an interception. */
export class DataPlane {
  readonly #instances: ReadonlyMap<string, ProviderInstance>;
  readonly #options: DataPlaneOptions;
  readonly #inFlight = new Map<Promise<void>, Downstream>();
  #isDraining = false;

  constructor(instances: readonly ProviderInstance[], options: DataPlaneOptions) {
    this.#instances = new Map(instances.map((instance) => [instance.name, instance]));
    this.#options = options;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get inFlightCount(): number {
    return this.#inFlight.size;
  }

  /** Serves a request to its end; every failure is an answer. Rejects, after answering, for a fault of ours. */
  async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const id = uuidv7(this.#options.clock.nowMs());
    const target = parseTarget(req.url ?? '');
    const instance = target && this.#instances.get(target.name);
    const downstream = new Downstream(res, STALL_MS);
    const served = this.#serve({ id, req, target, instance, downstream });
    this.#inFlight.set(served, downstream);
    try {
      await served;
    } catch (error) {
      if (error instanceof CallerGone) return;
      const known = error instanceof BridgeError ? error : internal(error);
      const nowMs = this.#options.clock.nowMs();
      const place = { interceptionId: id, provider: instance?.provider, nowMs };
      downstream.sendFault(renderFault(known, place), id);
      if (known !== error) {
        if (downstream.hasBegun) downstream.destroy();
        throw known;
      }
    } finally {
      this.#inFlight.delete(served);
    }
  }

  /** New requests are turned away from now on. Resolves when the last open one has ended. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight.keys());
  }

  /** Hangs up on whoever is still there, be it that they neither send nor read. */
  hangUp(): void {
    for (const downstream of this.#inFlight.values()) downstream.destroy();
  }

  async #serve({ id, req, target, instance, downstream }: Arrival): Promise<void> {
    const receivedMs = this.#options.clock.monotonicMs();
    if (this.#isDraining) throw draining();
    if (target === undefined || instance === undefined) throw unknownRoute();
    const match = routeOf(req, target, instance);
    if (match.kind === 'root') {
      downstream.begin(200, ['content-length', '0', 'x-aibridge-interception-id', id]);
      downstream.end();
      return;
    }
    const caller = this.#identify(req);
    const credential = this.#credentialOf(req, instance);
    const exchange = { id, receivedMs, caller, instance, target, match, credential };
    await new Interception({ ...exchange, req, downstream }, this.#options).run();
  }

  #identify(req: IncomingMessage): Caller {
    const caller = this.#options.identifier.identify(introductionOf(req));
    if (caller !== undefined) return caller;
    throw new BridgeError('no_identity', { public: 'Nobody vouches for the sender of this call.' });
  }

  /** Who pays: the caller's own credential if there is one, else the pool, else nobody. */
  #credentialOf(req: IncomingMessage, instance: ProviderInstance): CallerCredential | undefined {
    const credential = readCallerCredential(
      (name) => req.headersDistinct[name] ?? [],
      instance.provider.callerAuth,
      this.#options.placeholderKey,
    );
    if (credential !== undefined && !instance.allowByok) {
      throw new BridgeError('byok_disabled', {
        public: 'This provider is served with the keys of the organisation only; remove your own.',
      });
    }
    const own = instance.provider.takesCallerKeys ? credential : undefined;
    if (own === undefined && instance.pool === undefined) {
      throw new BridgeError('no_credential', {
        public: 'The call carries no credential, and none is configured for this provider.',
      });
    }
    return own;
  }
}

interface Arrival {
  readonly id: string;
  readonly req: IncomingMessage;
  readonly target: RequestTarget | undefined;
  readonly instance: ProviderInstance | undefined;
  readonly downstream: Downstream;
}

function routeOf(
  req: IncomingMessage,
  { route }: RequestTarget,
  { provider }: ProviderInstance,
): ServedMatch | Extract<RouteMatch, { kind: 'root' }> {
  const match = matchRoute(provider, {
    method: req.method ?? '',
    route,
    isWebSocketUpgrade: req.headers.upgrade?.toLowerCase() === 'websocket',
  });
  if (match.kind === 'unknown') throw unknownRoute();
  if (match.kind === 'method_not_allowed') {
    throw new BridgeError('method_not_allowed', {
      public: 'The route does not take this method.',
      headers: ['allow', match.allow.join(', ')],
    });
  }
  if (match.kind === 'upgrade_required') {
    throw new BridgeError('upgrade_required', {
      public: 'There are no WebSockets here; use HTTP with server-sent events.',
    });
  }
  return match;
}

function internal(cause: unknown): BridgeError {
  return new BridgeError('internal', { public: 'Internal error.', cause });
}

function unknownRoute(): BridgeError {
  return new BridgeError('unknown_route', { public: 'The bridge has no such route.' });
}

function draining(): BridgeError {
  return new BridgeError('draining', {
    public: 'The bridge is shutting down.',
    headers: ['connection', 'close'],
  });
}
