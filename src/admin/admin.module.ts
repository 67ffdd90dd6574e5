import { Module, type DynamicModule } from '@nestjs/common';
import { KeysController } from './keys.controller.ts';
import { KeysService } from './keys.service.ts';

@Module({})
export class AdminModule {
  /** `imports`: the modules that provide identity and the pools. */
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: AdminModule,
      imports: [...imports],
      controllers: [KeysController],
      providers: [KeysService],
    };
  }
}
