import { Module, type DynamicModule } from '@nestjs/common';
import { KeyPoolsService } from './key-pools.service.ts';
import { KeyStateStore } from './key-state-store.ts';
import { KeyStateSyncService } from './key-state-sync.service.ts';
import { KeysFilesService } from './keys-files.service.ts';
import { PrismaKeyStateStore } from './prisma-key-state-store.ts';

@Module({})
export class KeypoolModule {
  /** `imports`: the modules that provide configuration, clock, logger and database. */
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: KeypoolModule,
      imports: [...imports],
      providers: [
        KeyPoolsService,
        { provide: KeyStateStore, useClass: PrismaKeyStateStore },
        KeyStateSyncService,
        KeysFilesService,
      ],
      exports: [KeyPoolsService, KeyStateStore],
    };
  }
}
