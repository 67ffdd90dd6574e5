import { readFileSync } from 'node:fs';
import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { BridgeConfig } from './settings/bridge-config.ts';
import { parseConfig } from './reading/parse-config.ts';
import type { ParsedConfig } from './reading/parse-config.ts';

@Module({})
export class ConfigModule {
  static register(config: BridgeConfig): DynamicModule {
    return {
      module: ConfigModule,
      providers: [{ provide: BridgeConfig, useValue: config }],
      exports: [BridgeConfig],
    };
  }
}

/** The configuration of this process. Nothing else reads the environment. */
export function loadConfig(): ParsedConfig {
  const parsed = parseConfig(process.env, {
    readFile: (path) => readFileSync(path, 'utf8'),
    isTerminal: process.stdout.isTTY,
  });
  if (parsed.kind === 'ok') Object.assign(process.env, parsed.telemetryEnv);
  return parsed;
}
