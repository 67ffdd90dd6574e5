import { expect, it } from 'vitest';
import { parseConfig } from '../../config/index.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { RecordedLog } from '../../../test/support/recorded-log.ts';
import { KeyClock } from '../key/key-clock.ts';
import { KeyPoolsService } from './key-pools.service.ts';

function poolsOf(settings: Readonly<Record<string, string>>): KeyPoolsService {
  const env = Object.entries({ TYPE: 'openai', ...settings }).map(([name, value]) => [
    `AIBRIDGE_PROVIDER_0_${name}`,
    value,
  ]);
  const parsed = parseConfig(Object.fromEntries(env), { readFile: () => 'from-a-file' });
  if (parsed.kind === 'invalid') throw new Error(parsed.problems.join());
  return new KeyPoolsService(parsed.config, new KeyClock(new FakeClock()), new RecordedLog());
}

// Which source of keys wins is for the configuration to decide; what it names is the pool.
it.each([
  { id: 'H1', settings: { KEY: 'single' }, keys: ['single'] },
  { id: 'H2', settings: { KEYS: 'second,first' }, keys: ['second', 'first'] },
  { id: 'H3', settings: { KEY: 'single', KEYS: 'first,second' }, keys: ['first', 'second'] },
  { id: 'H3 (file)', settings: { KEYS: 'first', KEYS_FILE: '/keys' }, keys: ['from-a-file'] },
  { id: 'H4', settings: {}, keys: undefined },
])('T-$id: $settings makes a pool of $keys', ({ settings, keys }) => {
  const pools = poolsOf(settings);
  expect(pools.poolOf('openai')?.keys.map(({ secret }) => secret.reveal())).toEqual(keys);
  expect(pools.all).toHaveLength(keys === undefined ? 0 : 1);
});
