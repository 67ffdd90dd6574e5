import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { startTracing, type Tracing } from './tracing.ts';

/** Traces from the start of the process to its end, where that is configured. */
@Injectable()
export class TracingService implements OnModuleInit, OnModuleDestroy {
  #tracing: Tracing | undefined;

  /** Undefined where nobody asked for traces. */
  get tracing(): Tracing | undefined {
    return this.#tracing;
  }

  async onModuleInit(): Promise<void> {
    this.#tracing = await startTracing();
  }

  async onModuleDestroy(): Promise<void> {
    await this.#tracing?.close();
  }
}
