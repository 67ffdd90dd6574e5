import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { BridgeConfig } from './settings/bridge-config.ts';
import { ConfigModule } from './config.module.ts';
import { parseConfig } from './reading/parse-config.ts';

describe('the config module', () => {
  it('provides the configuration by its type', async () => {
    const parsed = parseConfig({}, { readFile: () => '' });
    if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('\n'));
    const app = await NestFactory.createApplicationContext(ConfigModule.register(parsed.config), {
      logger: false,
    });

    expect(app.get(BridgeConfig)).toBe(parsed.config);
    await app.close();
  });
});
