import { Module, type DynamicModule } from '@nestjs/common';
import { KeyProbe } from '../keypool/index.ts';
import { ProviderInstancesService } from './provider-instances.service.ts';
import { UpstreamKeyProbe } from './upstream-key-probe.ts';

const KEY_PROBE = {
  provide: KeyProbe,
  useFactory: ({ all }: ProviderInstancesService) => new UpstreamKeyProbe(all),
  inject: [ProviderInstancesService],
};

@Module({})
export class UpstreamModule {
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: UpstreamModule,
      imports: [...imports],
      providers: [ProviderInstancesService, KEY_PROBE],
      exports: [ProviderInstancesService, KeyProbe],
    };
  }
}
