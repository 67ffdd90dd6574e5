import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { Logger } from './logger.ts';
import { startTracing, unservedSettings, type Tracing } from './tracing.ts';

const ignore = (): void => undefined;

/** Traces from the start of the process to its end, where that is configured. */
@Injectable()
export class TracingService implements OnModuleInit, OnModuleDestroy {
  #tracing: Tracing | undefined;

  constructor(private readonly logger: Logger) {}

  /** Undefined where nobody asked for traces. */
  get tracing(): Tracing | undefined {
    return this.#tracing;
  }

  async onModuleInit(): Promise<void> {
    for (const warning of unservedSettings()) this.logger.warn(warning);
    this.#tracing = await startTracing();
    if (this.#tracing !== undefined) this.#hearLibraries();
  }

  async onModuleDestroy(): Promise<void> {
    await this.#tracing?.close();
  }

  /** A collector that is away costs spans and nothing else, but somebody should know. */
  #hearLibraries(): void {
    const warn = (reason: string): void => {
      this.logger.warn('OpenTelemetry reports a problem', { reason });
    };
    diag.setLogger(
      { error: warn, warn, info: ignore, debug: ignore, verbose: ignore },
      DiagLogLevel.WARN,
    );
  }
}
