import { Module, type DynamicModule } from '@nestjs/common';
import { Clock } from '../core/clock.ts';
import { KeyClock } from './key/key-clock.ts';
import { KeyPoolsService } from './pool/key-pools.service.ts';
import { KeyStateStore } from './pool/key-state-store.ts';
import { KeyStateSyncService } from './shared/key-state-sync.service.ts';
import { KeysFilesService } from './files/keys-files.service.ts';
import { PrismaKeyStateStore } from './shared/prisma-key-state-store.ts';

@Module({})
export class KeypoolModule {
  /** `imports`: the modules that provide configuration, clock, logger and database. */
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: KeypoolModule,
      imports: [...imports],
      providers: [
        { provide: KeyClock, useFactory: (clock: Clock) => new KeyClock(clock), inject: [Clock] },
        KeyPoolsService,
        { provide: KeyStateStore, useClass: PrismaKeyStateStore },
        KeyStateSyncService,
        KeysFilesService,
      ],
      exports: [KeyClock, KeyPoolsService, KeyStateStore],
    };
  }
}
