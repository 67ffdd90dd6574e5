import { Module, type DynamicModule } from '@nestjs/common';
import { Logger } from './logger.ts';

@Module({})
export class TelemetryModule {
  static register(logger: Logger): DynamicModule {
    return {
      module: TelemetryModule,
      providers: [{ provide: Logger, useValue: logger }],
      exports: [Logger],
    };
  }
}
