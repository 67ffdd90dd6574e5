import { Module, type DynamicModule } from '@nestjs/common';
import { Logger } from './logger.ts';
import { Metrics } from './metrics.ts';
import { MetricsController } from './metrics.controller.ts';
import { TracingService } from './tracing.service.ts';

@Module({})
export class TelemetryModule {
  static register(logger: Logger): DynamicModule {
    return {
      module: TelemetryModule,
      controllers: [MetricsController],
      providers: [{ provide: Logger, useValue: logger }, Metrics, TracingService],
      exports: [Logger, Metrics, TracingService],
    };
  }
}
