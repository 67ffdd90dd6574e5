import type { Meter } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';

const SERIES_MAX = 10_000;

/** Read when somebody scrapes, never by the clock. */
class ScrapeReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {
    // Nothing is held back.
  }

  protected override async onShutdown(): Promise<void> {
    // Nothing is open.
  }
}

/**
 * What this process counts and measures. Whoever has something to measure makes
 * its instruments with `meter`; the names are those of the contract as they stand
 * there, prefix and suffix included.
 */
export class Metrics {
  readonly meter: Meter;
  // Far beyond what bounded labels come to in practice, and still a bound.
  readonly #reader = new ScrapeReader({ cardinalitySelector: () => SERIES_MAX });
  // Without a timestamp per line, and without labels and a metric about the library itself.
  readonly #serializer = new PrometheusSerializer('', false, undefined, true, true);

  constructor() {
    this.meter = new MeterProvider({ readers: [this.#reader] }).getMeter('aibridge');
  }

  /** In the text format of Prometheus. */
  async render(): Promise<string> {
    const { resourceMetrics, errors } = await this.#reader.collect();
    if (errors.length > 0) throw new AggregateError(errors, 'a metric could not be read');
    return this.#serializer.serialize(resourceMetrics);
  }
}
