import { describe, expect, it } from 'vitest';
import { aProcess } from '../../../test/support/key-change.ts';
import { RecordedLog } from '../../../test/support/recorded-log.ts';
import { KeyLog } from './key-log.ts';

function aLoggedProcess(keys: number) {
  const log = new RecordedLog();
  const process = aProcess({ keys });
  const keyLog = new KeyLog(log);
  const hear = (): void =>
    process.told.splice(0).forEach((transition) => keyLog.heard(transition, process.pool));
  return { ...process, log, hear };
}

describe('what an operator reads about the keys', () => {
  it('K-31 a temporary mark is information, with the cooldown as applied', () => {
    const { cool, hear, log } = aLoggedProcess(3);
    cool(0, 0);
    hear();
    expect(log.lines).toEqual([
      {
        level: 'info',
        message: 'key marked temporary',
        fields: { provider: 'anthropic', api_key_hint: 'a-...-0', status: 429, cooldown: 60_000 },
      },
    ]);
  });

  it('K-31 a permanent mark is a warning', () => {
    const { reject, hear, log } = aLoggedProcess(3);
    reject(0);
    hear();
    expect(log.lines).toEqual([
      {
        level: 'warn',
        message: 'key marked permanent',
        fields: { provider: 'anthropic', api_key_hint: 'a-...-0', status: 401 },
      },
    ]);
  });

  it('K-31 says each change of state once, and longer cooldowns not at all', () => {
    const { cool, hear, log } = aLoggedProcess(3);
    cool(0, 1_000);
    cool(0, 60_000);
    hear();
    expect(log.said).toEqual(['info key marked temporary']);
  });

  it('warns when one key is left, and calls it an error when none is', () => {
    const { cool, reject, hear, log } = aLoggedProcess(2);
    cool(0, 60_000);
    hear();
    reject(0);
    hear();
    cool(1, 60_000);
    hear();
    expect(log.said).toEqual([
      'info key marked temporary',
      'warn pool is down to its last key',
      'warn key marked permanent',
      'info key marked temporary',
      'error pool has no usable key',
    ]);
    expect(log.lines[1]?.fields).toEqual({ provider: 'anthropic', hint: 'a-...-1' });
  });

  it('names the model that a key is sidelined for, and says what is left for that', () => {
    const { cool, forbid, hear, log } = aLoggedProcess(3);
    forbid(0, 'opus');
    cool(1, 1_000, 'haiku');
    hear();
    expect(log.said).toEqual(['warn key marked permanent', 'info key marked temporary']);
    expect(log.lines.map(({ fields }) => fields?.['model'])).toEqual(['opus', 'haiku']);

    cool(1, 1_000, 'opus');
    hear();
    cool(2, 1_000, 'opus');
    hear();
    expect(log.said.slice(2)).toEqual([
      'info key marked temporary',
      'warn pool is down to its last key',
      'info key marked temporary',
      'error pool has no usable key',
    ]);
    expect(log.lines.at(-1)?.fields).toEqual({ provider: 'anthropic', model: 'opus', keys: 3 });
  });

  it('tells who brought a key back', () => {
    const { reject, reset, hear, log } = aLoggedProcess(3);
    reject(0);
    reset(0, 'dave@corp');
    hear();
    expect(log.lines[1]).toMatchObject({
      level: 'info',
      message: 'key is valid again',
      fields: { reason: 'operator_reset', actor: 'dave@corp' },
    });
  });

  it('what another process has logged is left to debugging, but not what is left of the pool', () => {
    const [here, there] = [aLoggedProcess(2), aProcess()];
    there.reject(0);
    for (const { record } of there.told) here.pool.merge(record);
    here.hear();
    expect(here.log.said).toEqual(['warn pool is down to its last key']);
  });
});
