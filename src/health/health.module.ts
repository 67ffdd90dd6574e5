import { Module, type DynamicModule } from '@nestjs/common';
import { HealthController } from './health.controller.ts';
import { ReadinessService } from './readiness.service.ts';

@Module({})
export class HealthModule {
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: HealthModule,
      imports: [...imports],
      controllers: [HealthController],
      providers: [ReadinessService],
    };
  }
}
