import { describe, expect, it } from 'vitest';
import { aProcess } from '../../../test/support/key-change.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { RecordedLog } from '../../../test/support/recorded-log.ts';
import { drillRefusal } from './drill.ts';
import { KeyLog } from './key-log.ts';

describe('a drill', () => {
  it('does to a key what a rate limit does, and says whose wish it was', () => {
    const { drill, key, told } = aProcess();
    drill(0, 30_000);
    expect(key(0).stateFor('opus')).toMatchObject({ kind: 'temporary', remainingMs: 30_000 });
    expect(told).toMatchObject([
      { reason: 'drill', actor: 'dave@corp', status: 429, cooldownMs: 30_000, origin: 'local' },
    ]);
  });

  it('for one model leaves the key to the others', () => {
    const { drill, key } = aProcess();
    drill(0, 30_000, 'opus');
    expect(key(0).stateFor('opus').kind).toBe('temporary');
    expect(key(0).stateFor('haiku').kind).toBe('valid');
  });

  it('is over when its time is, whoever has gone away, and lasts no longer than any limit', () => {
    const clock = new FakeClock();
    const { drill, key } = aProcess({ clock });
    drill(0, 7_200_000);
    clock.advanceMs(3_599_999);
    expect(key(0).stateFor().kind).toBe('temporary');
    clock.advanceMs(1);
    expect(key(0).stateFor().kind).toBe('valid');
  });

  it('is known to other replicas as what it is, and its end as well', () => {
    const [here, there] = [aProcess(), aProcess()];
    const tell = (): void => {
      for (const { record } of here.told.splice(0)) there.pool.merge(record);
    };
    here.drill(0, 30_000);
    tell();
    expect(there.key(0).stateFor()).toMatchObject({ kind: 'temporary', reason: 'drill' });
    here.reset(0, 'dave@corp');
    tell();
    expect(there.key(0).stateFor().kind).toBe('valid');
  });

  it('gives way to what the provider says for longer', () => {
    const { drill, cool, key } = aProcess();
    drill(0, 30_000);
    cool(0, 60_000);
    expect(key(0).stateFor()).toMatchObject({ reason: 'rate_limited', remainingMs: 60_000 });
  });

  it('is logged as one', () => {
    const log = new RecordedLog();
    const { drill, told, pool } = aProcess({ keys: 3 });
    drill(0, 30_000, 'opus');
    for (const transition of told) new KeyLog(log).heard(transition, pool);
    expect(log.lines).toEqual([
      {
        level: 'info',
        message: 'key marked temporary',
        fields: {
          provider: 'anthropic',
          api_key_hint: 'a-...-0',
          model: 'opus',
          reason: 'drill',
          actor: 'dave@corp',
          status: 429,
          cooldown: 30_000,
        },
      },
    ]);
  });
});

type Process = ReturnType<typeof aProcess>;

function refusal({ pool, key }: Process, scope: string | null = null) {
  return drillRefusal(pool, key(0), scope);
}

describe('a drill on the first key', () => {
  it('may be made as long as another one serves', () => {
    const process = aProcess({ keys: 3 });
    process.reject(1);
    expect(refusal(process)).toBeUndefined();
    expect(refusal(process, 'opus')).toBeUndefined();
  });

  it.each<[string, (process: Process) => void]>([
    ['is limited', ({ cool }) => cool(0, 1_000)],
    ['is limited for another model', ({ cool }) => cool(0, 1_000, 'haiku')],
    ['is rejected', ({ reject }) => reject(0)],
    ['is forbidden a model', ({ forbid }) => forbid(0, 'haiku')],
    ['has one already', ({ drill }) => drill(0, 1_000)],
  ])('is refused when that %s: its end would forget it', (_, given) => {
    const process = aProcess();
    given(process);
    expect(refusal(process, 'opus')).toEqual({ kind: 'sidelined' });
  });

  it('may be made again when what was held against the key is over', () => {
    const clock = new FakeClock();
    const process = aProcess({ clock });
    process.cool(0, 1_000);
    clock.advanceMs(1_000);
    expect(refusal(process)).toBeUndefined();
  });

  it('is refused when no other key serves', () => {
    const process = aProcess();
    process.reject(1);
    expect(refusal(process)).toEqual({ kind: 'last_key', model: null });
    expect(refusal(process, 'opus')).toEqual({ kind: 'last_key', model: 'opus' });
    expect(refusal(aProcess({ keys: 1 }))).toEqual({ kind: 'last_key', model: null });
  });

  it('is refused when no other key serves one of the models, unless it is for another', () => {
    const process = aProcess();
    process.forbid(1, 'opus');
    expect(refusal(process)).toEqual({ kind: 'last_key', model: 'opus' });
    expect(refusal(process, 'opus')).toEqual({ kind: 'last_key', model: 'opus' });
    expect(refusal(process, 'haiku')).toBeUndefined();
  });
});
