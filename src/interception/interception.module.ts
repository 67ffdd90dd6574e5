import { Module, type DynamicModule } from '@nestjs/common';
import { DataPlaneSettingsService } from './data-plane-settings.service.ts';
import { DataPlaneService } from './data-plane.service.ts';
import { InterceptionLogService } from './observers/interception-log.service.ts';
import { InterceptionObserversService } from './observers/interception-observers.service.ts';

@Module({})
export class InterceptionModule {
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: InterceptionModule,
      imports: [...imports],
      providers: [
        DataPlaneService,
        DataPlaneSettingsService,
        InterceptionLogService,
        InterceptionObserversService,
      ],
      exports: [DataPlaneService],
    };
  }
}
