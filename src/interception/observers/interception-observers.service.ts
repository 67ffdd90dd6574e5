import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../core/clock.ts';
import { Metrics } from '../../telemetry/index.ts';
import { TracingService } from '../../telemetry/tracing.service.ts';
import { InterceptionLogService } from './interception-log.service.ts';
import { InterceptionMetrics } from './interception-metrics.ts';
import type { InterceptionObserver } from '../record/interception-observer.ts';
import { InterceptionTraces } from './interception-traces.ts';
import type { StartRecorder } from '../record/open-record.ts';

/** Who hears of interceptions: the record with its log, and the observers. */
@Injectable()
export class InterceptionObserversService implements OnModuleInit {
  readonly #observers: InterceptionObserver[];

  constructor(
    metrics: Metrics,
    private readonly tracing: TracingService,
    private readonly log: InterceptionLogService,
    private readonly clock: Clock,
  ) {
    this.#observers = [new InterceptionMetrics(metrics.meter)];
  }

  /** Traces come last: only now is it known whether anybody wants them. */
  onModuleInit(): void {
    const { tracing } = this.tracing;
    if (tracing) this.#observers.push(new InterceptionTraces(tracing, this.clock));
  }

  get all(): readonly InterceptionObserver[] {
    return this.#observers;
  }

  /** Not before the recording has started. */
  recorder(): StartRecorder {
    return this.log.recorder();
  }
}
