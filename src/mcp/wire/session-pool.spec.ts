import { describe, expect, it, vi } from 'vitest';
import { SessionPool } from './session-pool.ts';

class ASession {
  isClosed = false;
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

function aPool(sessionsMax = 2, idleMs = 60_000) {
  const pool = new SessionPool<ASession>({ sessionsMax, idleMs });
  const opened: ASession[] = [];
  const open = async (): Promise<ASession> => {
    const session = new ASession();
    opened.push(session);
    return session;
  };
  const use = (owner: string): Promise<ASession> => pool.with(owner, open, async (one) => one);
  return { pool, opened, open, use };
}

describe('a pool of sessions', () => {
  it('has one for each owner, who gets it again', async () => {
    const { use, opened } = aPool();
    const [a, b, again] = [await use('a'), await use('b'), await use('a')];
    expect(again).toBe(a);
    expect(opened).toEqual([a, b]);
  });

  it('opens one for all who ask at once', async () => {
    const { use, opened } = aPool();
    await Promise.all([use('a'), use('a'), use('a')]);
    expect(opened).toHaveLength(1);
  });

  it('closes the one that was longest not used when there are too many', async () => {
    const { pool, use } = aPool();
    const [a, b] = [await use('a'), await use('b')];
    await use('a');
    await use('c');
    await vi.waitFor(() => expect(b.isClosed).toBe(true));
    expect([a.isClosed, pool.size]).toEqual([false, 2]);
  });

  it('refuses one more when all are in use', async () => {
    const { pool, open, use } = aPool(1);
    const held = Promise.withResolvers<void>();
    const first = pool.with('a', open, () => held.promise);
    await expect(use('b')).rejects.toMatchObject({ kind: 'unreachable' });
    held.resolve();
    await first;
    expect(await use('b')).toBeInstanceOf(ASession);
  });

  it('closes what nobody uses, but not what somebody does', async () => {
    const { pool, open, use } = aPool(2, 1);
    const held = Promise.withResolvers<void>();
    let ofA: ASession | undefined;
    const busy = pool.with('a', open, async (session) => {
      ofA = session;
      await held.promise;
    });
    const ofB = await use('b');
    await vi.waitFor(() => expect(ofB.isClosed).toBe(true));
    expect([ofA?.isClosed, pool.size]).toEqual([false, 1]);
    held.resolve();
    await busy;
    await vi.waitFor(() => expect(ofA?.isClosed).toBe(true));
  });

  it('tries again after one that could not be opened', async () => {
    const { pool, use } = aPool();
    const fails = Promise.reject<ASession>(new Error('not now'));
    await expect(
      pool.with(
        'a',
        () => fails,
        async (one) => one,
      ),
    ).rejects.toThrow('not now');
    expect(await use('a')).toBeInstanceOf(ASession);
  });

  it('forgets the session that it is told of, and no other', async () => {
    const { pool, use } = aPool();
    const first = await use('a');
    await pool.forget('a', first);
    const second = await use('a');
    await pool.forget('a', first);
    expect(await use('a')).toBe(second);
    expect([first.isClosed, second.isClosed]).toEqual([true, false]);
  });

  it('closes all', async () => {
    const { pool, use } = aPool();
    const all = [await use('a'), await use('b')];
    await pool.close();
    expect(all.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  });
});
