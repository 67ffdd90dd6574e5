import type { Meter } from '@opentelemetry/api';
import { BoundedLabel, type Logger, Tally } from '../../telemetry/index.ts';
import type { BreakerState } from './breaker.ts';
import type { BreakerWitness, Way } from './breakers.ts';

const LABELS = ['provider', 'endpoint', 'model', 'credential_kind'] as const;
type Labels = readonly [string, string, string, string];

/** Counts and tells what the circuit breakers of all providers do. */
export class BreakerAccount {
  readonly #trips: Tally<typeof LABELS>;
  readonly #rejects: Tally<typeof LABELS>;
  readonly #model = new BoundedLabel();
  readonly #logger: Logger;

  constructor(meter: Meter, logger: Logger) {
    this.#logger = logger;
    this.#trips = new Tally(meter, {
      name: 'aibridge_circuit_breaker_trips_total',
      description: 'How often circuit breakers have opened',
      labels: LABELS,
    });
    this.#rejects = new Tally(meter, {
      name: 'aibridge_circuit_breaker_rejects_total',
      description: 'Calls that were refused because a circuit breaker was open',
      labels: LABELS,
    });
  }

  witnessOf(provider: string): BreakerWitness {
    return {
      breakerChanged: (way, from, to) => this.#changed(provider, way, from, to),
      callRefused: (way) => this.#rejects.add(1, this.#labels(provider, way)),
    };
  }

  #changed(provider: string, way: Way, from: BreakerState, to: BreakerState): void {
    const { route: endpoint, model, credentialKind } = way;
    const fields = { provider, endpoint, model, credential_kind: credentialKind, from, to };
    if (to !== 'open') {
      this.#logger.info('circuit breaker changed', fields);
      return;
    }
    this.#trips.add(1, this.#labels(provider, way));
    this.#logger.warn('circuit breaker opened', fields);
  }

  #labels(provider: string, { route, model, credentialKind }: Way): Labels {
    return [provider, route, this.#model.of(model), credentialKind];
  }
}
