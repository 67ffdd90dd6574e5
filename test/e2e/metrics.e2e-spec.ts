import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answer, rateLimited, unauthorized, slowFirstToken } from '../simulator/index.ts';
import { messagesBody, startSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';
import { head, Wire } from '../support/wire.ts';

const FIRST = 'sk-ant-api03-the-first-of-the-pool-0001';
const SECOND = 'sk-ant-api03-the-second-of-the-pool-0002';
const PATH = '/anthropic/v1/messages';

let system: System;

beforeAll(async () => {
  system = await startSystem({
    settings: { KEYS: `${FIRST},${SECOND}` },
    env: { AIBRIDGE_AUDIT_PASSTHROUGH: 'false' },
  });
});

afterAll(() => system.stop());

beforeEach(() => {
  system.simulator.clear();
  system.simulator.onAnyKey(answer({ text: 'hello' }));
});

/** One scrape: the value of every series, by its name and labels as they stand there. */
class Scrape {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  static async take(): Promise<Scrape> {
    const res = await fetch(`${system.bridge.url}/metrics`);
    return new Scrape(await res.text());
  }

  /** `name` with some of its labels; the sum where several series have them. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    let sum = 0;
    for (const line of this.text.split('\n')) {
      const isNamed = line.startsWith(`aibridge_${name}{`) || line.startsWith(`aibridge_${name} `);
      if (!isNamed || !wanted.every((label) => line.includes(label))) continue;
      sum += Number(line.slice(line.lastIndexOf(' ')));
    }
    return sum;
  }

  get types(): Record<string, string> {
    const lines = this.text.matchAll(/^# TYPE aibridge_(\S+) (\S+)$/gm);
    return Object.fromEntries([...lines].map(([, name = '', type = '']) => [name, type]));
  }
}

async function ask(fields: Readonly<Record<string, unknown>> = {}): Promise<Response> {
  const res = await fetch(`${system.bridge.url}${PATH}`, {
    method: 'POST',
    headers: { 'user-agent': 'claude-cli/2.0.67 (external, cli)' },
    body: messagesBody(fields),
  });
  await res.text();
  return res;
}

test('a call that fails over is counted with its tokens, its prompt and its tools', async () => {
  const usage = { input: 11, output: 7, cacheRead: 3, cacheWrite: 2 };
  const tools = [{ name: 'Bash', input: { command: 'ls' } }];
  system.simulator.key(FIRST).always(rateLimited({ retryAfterMs: 1 }));
  system.simulator.key(SECOND).always(answer({ text: 'hello', usage, tools }));
  for (const stream of [false, true]) expect((await ask({ stream })).status).toBe(200);

  const scrape = await Scrape.take();
  const model = { provider: 'anthropic', model: 'claude-opus-4-5' };
  const caller = { ...model, initiator_id: 'local', client: 'Claude Code' };
  expect(
    scrape.sum('interceptions_total', {
      ...caller,
      status: 'completed',
      route: '/v1/messages',
      method: 'POST',
    }),
  ).toBe(2);
  expect(scrape.sum('interceptions_duration_seconds_count', model)).toBe(2);
  expect(scrape.sum('first_byte_seconds_count', model)).toBe(2);
  expect(scrape.sum('overhead_seconds_count', { provider: 'anthropic' })).toBe(2);
  expect(scrape.sum('prompts_total', caller)).toBe(2);
  expect(scrape.sum('tokens_total', { ...caller, type: 'input' })).toBe(22);
  expect(scrape.sum('tokens_total', { ...caller, type: 'output' })).toBe(14);
  expect(scrape.sum('tokens_total', { ...caller, type: 'cache_read_input_tokens' })).toBe(6);
  expect(scrape.sum('tokens_total', { ...caller, type: 'cache_write_input_tokens' })).toBe(4);
  expect(scrape.sum('non_injected_tool_selections_total', { ...model, name: 'Bash' })).toBe(2);
  const reason = { provider: 'anthropic', reason: 'rate_limited' };
  expect(scrape.sum('failovers_total', reason)).toBe(2);
  expect(scrape.sum('attempt_duration_seconds_count', { outcome: 'rate_limited' })).toBe(2);
  expect(scrape.sum('attempt_duration_seconds_count', { outcome: 'served' })).toBe(2);
  expect(scrape.sum('key_transitions_total', reason)).toBe(2);
});

test('a passthrough call is counted by its route as a pattern, also where it is not recorded', async () => {
  const before = await Scrape.take();
  for (const id of ['one', 'two']) {
    const res = await fetch(`${system.bridge.url}/anthropic/v1/models/${id}`);
    await res.text();
  }

  const scrape = await Scrape.take();
  const labels = { provider: 'anthropic', route: '/v1/models/{id}', method: 'GET' };
  expect(scrape.sum('passthrough_total', labels)).toBe(2);
  expect(scrape.sum('interceptions_total')).toBe(before.sum('interceptions_total'));
  expect(
    await system.tables.rows(`SELECT id FROM interceptions WHERE api = 'passthrough'`),
  ).toEqual([]);
});

test('calls under way are counted as long as they are', async () => {
  system.simulator.onAnyKey(slowFirstToken());
  const wire = await Wire.connect(system.bridge.url);
  await wire.post(PATH, messagesBody({ stream: true }));
  await system.simulator.waitForCall();
  const during = await Scrape.take();
  expect(during.sum('interceptions_inflight', { route: '/v1/messages' })).toBe(1);
  expect(during.sum('requests_inflight')).toBe(1);

  wire.leave();
  await until('an empty bridge', async () => {
    const scrape = await Scrape.take();
    return scrape.sum('requests_inflight') === 0 || undefined;
  });
  const after = await Scrape.take();
  expect(after.sum('interceptions_inflight')).toBe(0);
  expect(after.sum('interceptions_total', { status: 'aborted' })).toBe(1);
});

test('names that callers make up do not become series without end', async () => {
  const wire = await Wire.connect(system.bridge.url);
  for (let index = 0; index < 120; index += 1) {
    await wire.post(PATH, messagesBody({ model: `made-up-${index}` }));
    expect((await wire.answer()).status).toBe(200);
  }
  wire.leave();

  const scrape = await Scrape.take();
  const models = new Set([...scrape.text.matchAll(/model="([^"]*)"/g)].map(([, name]) => name));
  expect(models.size).toBeLessThanOrEqual(101);
  expect(scrape.sum('interceptions_total', { model: 'other' })).toBeGreaterThanOrEqual(20);
});

test('the state of each key is told by its fingerprint, and an exhausted pool is counted', async () => {
  system.simulator.onAnyKey(unauthorized());
  expect((await ask()).status).toBe(502);
  expect((await ask()).status).toBe(502);

  const scrape = await Scrape.take();
  expect(scrape.sum('key_state', { provider: 'anthropic', state: 'permanent' })).toBe(2);
  expect(scrape.sum('key_state', { provider: 'anthropic', state: 'valid' })).toBe(0);
  expect(scrape.text).toMatch(
    /^aibridge_key_state\{provider="anthropic",fingerprint="[\da-f]{12}",state="permanent"\} 1$/m,
  );
  expect(scrape.sum('pool_exhausted_total', { provider: 'anthropic', kind: 'permanent' })).toBe(2);
  expect(scrape.sum('key_transitions_total', { reason: 'unauthorized' })).toBe(2);
  expect(scrape.sum('interceptions_total', { status: 'failed' })).toBe(2);
});

test('the journal and what was lost are told', async () => {
  await until('an empty journal', async () => {
    const scrape = await Scrape.take();
    return scrape.sum('journal_lag_records') === 0 || undefined;
  });
  const scrape = await Scrape.take();
  expect(scrape.sum('journal_lag_seconds')).toBe(0);
  expect(scrape.sum('journal_bytes')).toBeGreaterThan(0);
  expect(scrape.text).toMatch(/^aibridge_records_lost_total 0$/m);
});

/** The contract: names and types are what dashboards and alerts are written against. */
test('every metric has the name and the type of the contract, and no key is told', async () => {
  const scrape = await Scrape.take();

  expect(scrape.types).toEqual({
    interceptions_total: 'counter',
    interceptions_inflight: 'gauge',
    interceptions_duration_seconds: 'histogram',
    passthrough_total: 'counter',
    prompts_total: 'counter',
    tokens_total: 'counter',
    non_injected_tool_selections_total: 'counter',
    failovers_total: 'counter',
    pool_exhausted_total: 'counter',
    attempt_duration_seconds: 'histogram',
    first_byte_seconds: 'histogram',
    overhead_seconds: 'histogram',
    requests_inflight: 'gauge',
    journal_lag_records: 'gauge',
    journal_lag_seconds: 'gauge',
    journal_bytes: 'gauge',
    journal_late_records: 'gauge',
    journal_late_seconds: 'gauge',
    journal_set_aside_records: 'gauge',
    journal_faults_total: 'counter',
    records_lost_total: 'counter',
    key_state: 'gauge',
    key_models_sidelined: 'gauge',
    key_transitions_total: 'counter',
  });
  expect(scrape.text).not.toContain(FIRST);
  expect(scrape.text).not.toContain(SECOND);
  expect(scrape.text).not.toMatch(/^(?!#|aibridge_|$)/m);
});

test('a scrape is text as Prometheus reads it, and takes no other method', async () => {
  const res = await fetch(`${system.bridge.url}/metrics`);
  expect(res.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  await res.text();
  const wire = await Wire.connect(system.bridge.url);
  await wire.send(head('POST', '/metrics', ['content-length: 0']));
  expect((await wire.answer()).status).toBe(404);
  wire.leave();
});
