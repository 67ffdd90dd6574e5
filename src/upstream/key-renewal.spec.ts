import { describe, expect, test } from 'vitest';
import { KeySecret } from '../core/key-secret.ts';
import { KeyPool } from '../keypool/index.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { KeyRenewal } from './key-renewal.ts';

class Renewing extends KeySecret {
  override readonly renewed: () => Promise<KeySecret>;

  constructor(value: string, next: (self: KeySecret) => Promise<KeySecret>) {
    super(value);
    this.renewed = () => next(this);
  }
}

const ignore = (): void => undefined;

function renewalOf(key: KeySecret) {
  const pool = new KeyPool([key], {
    provider: 'p',
    clock: new FakeClock(),
    cooldownDefaultMs: 1,
    cooldownMaxMs: 1,
    onTransition: () => undefined,
  });
  const warnings: unknown[] = [];
  const logger = {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (message: string, fields: unknown) => warnings.push([message, fields]),
  };
  const replaced: string[] = [];
  const renewal = new KeyRenewal({
    provider: 'p',
    pool,
    logger,
    replaceKeys: (keys) => {
      pool.replaceKeys(keys);
      replaced.push(...keys.map(({ hint }) => hint));
    },
  });
  return { renewal, replaced, warnings };
}

describe('keys that somebody else renews', () => {
  test('stay as long as they last', async () => {
    const { renewal, replaced } = renewalOf(new Renewing('first-key-000001', async (self) => self));
    await renewal.run();
    expect(replaced).toEqual([]);
  });

  test('are replaced before the call that needs the new ones', async () => {
    const next = new KeySecret('second-key-00002');
    const { renewal, replaced } = renewalOf(new Renewing('first-key-000001', async () => next));
    await renewal.run();
    await renewal.run();
    expect(replaced).toEqual([next.hint]);
  });

  test('stay when they cannot be renewed, which is said once', async () => {
    const { renewal, replaced, warnings } = renewalOf(
      new Renewing('first-key-000001', () => Promise.reject(new Error('no metadata'))),
    );
    await renewal.run();
    await renewal.run();
    expect(replaced).toEqual([]);
    expect(warnings).toEqual([
      ['keys not renewed: the old ones stay', { provider: 'p', reason: 'no metadata' }],
    ]);
  });

  test('are not waited for longer than a time', async () => {
    const { renewal, warnings } = renewalOf(
      new Renewing('first-key-000001', () => new Promise(() => undefined)),
    );
    await renewal.run(10);
    expect(JSON.stringify(warnings)).toContain('it took longer than 0.01 s');
  });
});
