import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { DatabaseService } from './database.service.ts';

@Module({})
export class DatabaseModule {
  /** `config`: the one module that provides the `BridgeConfig`. */
  static register(config: DynamicModule): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [config],
      providers: [DatabaseService],
      exports: [DatabaseService],
    };
  }
}
