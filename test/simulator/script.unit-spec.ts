import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import {
  answer,
  neverAnswers,
  overloaded,
  rateLimited,
  serverError,
  startSimulator,
  unauthorized,
  withHeaders,
  combine,
  type Simulator,
} from './index.ts';

describe('the script of a simulated provider', () => {
  let sim: Simulator;

  beforeAll(async () => {
    sim = await startSimulator({ keepCalls: 4 });
  });
  afterEach(() => {
    sim.clear();
  });
  afterAll(async () => {
    await sim.close();
  });

  const post = async (key: string | null, body: object | string = {}): Promise<Response> =>
    fetch(`${sim.url}/v1/messages?beta=true`, {
      method: 'POST',
      headers: key === null ? {} : { 'x-api-key': key },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const statuses = async (key: string, count: number): Promise<number[]> => {
    const seen: number[] = [];
    for (let index = 0; index < count; index += 1) seen.push((await post(key)).status);
    return seen;
  };

  it('gives each key its own order of calls', async () => {
    sim.key('a').inOrder(rateLimited(), serverError(503)).always(answer());
    sim.key('b').inOrder(unauthorized()).always(overloaded());
    await expect(statuses('a', 4)).resolves.toEqual([429, 503, 200, 200]);
    await expect(statuses('b', 2)).resolves.toEqual([401, 529]);
    expect(sim.callsFor('b').map((call) => call.behaviour)).toEqual(['unauthorized', 'overloaded']);
  });

  it('treats a call beyond the end of a script as unscripted', async () => {
    sim.key('a').inOrder(answer());
    await expect(statuses('a', 2)).resolves.toEqual([200, 599]);
    expect(sim.unscripted).toHaveLength(1);
  });

  it('puts models and routes before the order of calls', async () => {
    sim.key('a').inOrder(serverError()).always(answer());
    sim.key('a').forModel('small', overloaded()).forRoute('models', unauthorized());
    await expect(post('a', { model: 'small' })).resolves.toMatchObject({ status: 529 });
    const models = await fetch(`${sim.url}/v1/models`, { headers: { 'x-api-key': 'a' } });
    expect(models.status).toBe(401);
    await expect(statuses('a', 2)).resolves.toEqual([500, 200]);
  });

  it('asks a function about each call', async () => {
    sim.onAnyKey((call) => (call.key?.endsWith('1') ? rateLimited() : answer()));
    await expect(statuses('k1', 1)).resolves.toEqual([429]);
    await expect(statuses('k2', 1)).resolves.toEqual([200]);
  });

  it('lets the script for any key serve what a key of its own does not cover', async () => {
    sim.key('a').inOrder(rateLimited());
    sim.onAnyKey(answer());
    await expect(statuses('a', 2)).resolves.toEqual([429, 200]);
  });

  it('never takes a missing credential for a key', async () => {
    sim.onAnyKey(answer());
    await expect(post(null)).resolves.toMatchObject({ status: 599 });
    expect(() => sim.assertNoUnscripted()).toThrow('(no key)');
    sim.withoutKey.always(unauthorized());
    await expect(post(null)).resolves.toMatchObject({ status: 401 });
  });

  it('masks keys where it names unscripted calls', async () => {
    await post('sk-ant-0123456789abcdef');
    expect(() => sim.assertNoUnscripted()).toThrow(/sk-a\.\.\.cdef/);
    expect(() => sim.assertNoUnscripted()).not.toThrow(/0123456789/);
  });

  it('keeps what it received byte for byte, JSON or not', async () => {
    sim.key('a').always(answer());
    await post('a', '{"n": 1.0,  "x": "é"} ');
    await post('a', 'no json');
    expect(sim.calls.map((call) => call.body.toString())).toEqual([
      '{"n": 1.0,  "x": "é"} ',
      'no json',
    ]);
    expect(sim.calls.map((call) => call.json)).toEqual([{ n: 1, x: 'é' }, undefined]);
    expect(sim.calls[0]).toMatchObject({
      path: '/v1/messages?beta=true',
      route: { name: 'messages' },
    });
    expect(sim.calls[0]?.rawHeaders).toContain('x-api-key');
  });

  it('drops the oldest calls of a long run', async () => {
    sim.key('a').always(answer());
    await statuses('a', 6);
    expect(sim.calls).toHaveLength(4);
    expect(sim.calls.map((call) => call.ordinal)).toEqual(
      [3, 2, 1, 0].map((back) => (sim.calls.at(-1)?.ordinal ?? 0) - back),
    );
  });

  it('keeps nothing of a run where it is told to, and tells of each call', async () => {
    const told: string[] = [];
    const short = await startSimulator({
      keepCalls: 0,
      onCall: ({ path }) => told.push(`came ${path}`),
      onEnded: ({ path }) => told.push(`ended ${path}`),
    });
    short.onAnyKey(answer());
    await fetch(`${short.url}/v1/models`, { headers: { 'x-api-key': 'sk-any' } }).then((res) =>
      res.text(),
    );
    await short.close();
    expect(short.calls).toEqual([]);
    expect(told).toEqual(['came /v1/models', 'ended /v1/models']);
  });

  it('tells when a call comes, and that none came', async () => {
    sim.key('a').always(answer());
    const waiting = sim.waitForCall((call) => call.model === 'second');
    await post('a', { model: 'first' });
    await post('a', { model: 'second' });
    await expect(waiting).resolves.toMatchObject({ model: 'second' });
    await expect(sim.waitForCalls(2)).resolves.toHaveLength(2);
    await expect(sim.waitForCall((call) => call.key === 'z', 1)).rejects.toThrow('of 2 received');
  });

  it('ends open calls when it is closed', async () => {
    const other = await startSimulator();
    other.onAnyKey(neverAnswers());
    const pending = fetch(other.url, { headers: { 'x-api-key': 'a' } }).catch(() => 'closed');
    const call = await other.waitForCall();
    await other.close();
    await expect(pending).resolves.toBe('closed');
    await expect(call.ended).resolves.toMatchObject({ outcome: 'never_answered' });
  });

  it('serves below a base path, and tells connections apart', async () => {
    const other = await startSimulator({ basePath: '/api', deterministicIds: false });
    other.onAnyKey(combine(answer(), withHeaders({ connection: 'close' })));
    const get = async (): Promise<string> => {
      const headers = { 'x-api-key': 'a' };
      return (await fetch(`${other.url}/api/v1/messages`, { method: 'POST', headers })).text();
    };
    const [one, two] = [await get(), await get()];
    expect(one).toContain('"type":"message"');
    expect(two).not.toBe(one);
    expect(other.calls.map((call) => call.connection)).toEqual([1, 2]);
    expect(other.connectionCount).toBe(2);
    await other.close();
  });
});
