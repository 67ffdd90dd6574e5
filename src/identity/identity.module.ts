import { Module, type DynamicModule } from '@nestjs/common';
import { BridgeConfig } from '../config/index.ts';
import { AdminGuard } from './admin.guard.ts';
import { Identifier } from './identifier.ts';
import { IdentityGuard } from './identity.guard.ts';

@Module({})
export class IdentityModule {
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: IdentityModule,
      imports: [...imports],
      providers: [
        {
          provide: Identifier,
          useFactory: (config: BridgeConfig) => new Identifier(config.identity),
          inject: [BridgeConfig],
        },
        IdentityGuard,
        AdminGuard,
      ],
      exports: [Identifier, IdentityGuard, AdminGuard],
    };
  }
}
