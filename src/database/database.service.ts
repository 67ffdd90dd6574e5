import { Injectable, Logger } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { BridgeConfig } from '../config/index.ts';
import { Database } from './database.ts';

/** The database of this process, for injection. It leaves last: others still write while they stop. */
@Injectable()
export class DatabaseService extends Database implements OnModuleInit, OnApplicationShutdown {
  constructor(config: BridgeConfig) {
    super({
      url: config.database.url?.reveal(),
      directUrl: config.database.directUrl?.reveal(),
      readUrl: config.database.readUrl?.reveal(),
      connections: config.database.connections,
      dataDir: config.dataDir,
      log: new Logger('Database'),
      random: Math.random,
    });
  }

  onModuleInit(): void {
    this.open();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}
