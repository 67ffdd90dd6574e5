import { Module, type DynamicModule } from '@nestjs/common';
import { KeyPoolsService } from './key-pools.service.ts';

@Module({})
export class KeypoolModule {
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: KeypoolModule,
      imports: [...imports],
      providers: [KeyPoolsService],
      exports: [KeyPoolsService],
    };
  }
}
