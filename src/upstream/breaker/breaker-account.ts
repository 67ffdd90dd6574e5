import type { Meter, ObservableResult } from '@opentelemetry/api';
import { BoundedLabel, type Logger, Tally } from '../../telemetry/index.ts';
import type { BreakerState } from './breaker.ts';
import type { Breakers, BreakerWitness, Way } from './breakers.ts';

const LABELS = ['provider', 'endpoint', 'model', 'credential_kind'] as const;
type Labels = readonly [string, string, string, string];

const VALUES = { closed: 0, half_open: 0.5, open: 1 } as const satisfies Record<
  BreakerState,
  number
>;

/** Counts, shows and tells what the circuit breakers of all providers do. */
export class BreakerAccount {
  readonly #trips: Tally<typeof LABELS>;
  readonly #rejects: Tally<typeof LABELS>;
  readonly #breakers = new Map<string, Breakers>();
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
    meter
      .createObservableGauge('aibridge_circuit_breaker_state', {
        description: 'Of each way on which calls have failed: 0 closed, 0.5 half open, 1 open',
      })
      .addCallback((result) => this.#tellStates(result));
  }

  /** The breakers of a provider, which are told with those of the others from then on. */
  of(provider: string, make: (witness: BreakerWitness) => Breakers): Breakers {
    const breakers = make({
      breakerChanged: (way, from, to) => this.#changed(provider, way, from, to),
      callRefused: (way) => this.#rejects.add(1, this.#labels(provider, way)),
    });
    this.#breakers.set(provider, breakers);
    return breakers;
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

  /** Models beyond the bound share a series, which shows the worst of them. */
  #tellStates(result: ObservableResult): void {
    const worst = new Map<string, { readonly labels: Labels; readonly value: number }>();
    for (const [provider, { all }] of this.#breakers) {
      for (const { state, ...way } of all) {
        const labels = this.#labels(provider, way);
        const series = labels.join('\n');
        const value = Math.max(VALUES[state], worst.get(series)?.value ?? 0);
        worst.set(series, { labels, value });
      }
    }
    for (const { labels, value } of worst.values()) {
      const named = LABELS.map((label, index) => [label, labels[index] ?? ''] as const);
      result.observe(value, Object.fromEntries(named));
    }
  }

  #labels(provider: string, { route, model, credentialKind }: Way): Labels {
    return [provider, route, this.#model.of(model), credentialKind];
  }
}
