import { Module, type DynamicModule } from '@nestjs/common';
import { BreakersController } from './breakers.controller.ts';
import { KeyExplanationsService } from './key-explanations.service.ts';
import { KeysController } from './keys.controller.ts';
import { KeysService } from './keys.service.ts';
import { ToolServersController } from './tool-servers.controller.ts';

@Module({})
export class AdminModule {
  /** `imports`: the modules that provide configuration, identity, the pools, providers, the recheck and tool servers. */
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: AdminModule,
      imports: [...imports],
      controllers: [KeysController, BreakersController, ToolServersController],
      providers: [KeysService, KeyExplanationsService],
    };
  }
}
