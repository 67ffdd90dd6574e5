import { expect, test } from 'vitest';
import { Bridge } from './bridge.ts';

test.each(['warn', 'error', 'silent'])(
  'a bridge that logs from %s on is not waited for in vain',
  async (level) => {
    const started = Bridge.start({ env: { LOG_LEVEL: level } });
    await expect(started).rejects.toThrow('does not say where it listens');
  },
);
