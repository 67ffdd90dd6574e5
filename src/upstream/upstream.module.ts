import { Module, type DynamicModule } from '@nestjs/common';
import { ProviderInstancesService } from './provider-instances.service.ts';

@Module({})
export class UpstreamModule {
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: UpstreamModule,
      imports: [...imports],
      providers: [ProviderInstancesService],
      exports: [ProviderInstancesService],
    };
  }
}
