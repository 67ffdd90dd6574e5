import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answer, combine, neverAnswers, paced, rateLimited } from '../simulator/index.ts';
import type { AuditRow } from '../support/audit-tables.ts';
import { messagesBody, POOL_KEY, startSystem, type System } from '../support/system.ts';
import { reset } from './keys-system.ts';

/** Shorter than any other timeout, which would never end these calls. */
const TOTAL_MS = 700;

let system: System;
beforeAll(async () => {
  system = await startSystem({ settings: { TOTAL_TIMEOUT: `${TOTAL_MS}ms`, WAIT_FOR_KEY: '30s' } });
});
afterAll(() => system.stop());
beforeEach(async () => {
  system.simulator.clear();
  await reset(system.bridge, POOL_KEY);
});

interface Asked {
  readonly status: number;
  readonly text: string;
  readonly slug: string | null;
  readonly ms: number;
  readonly record: AuditRow;
  readonly attempts: AuditRow[];
}

async function ask(stream: boolean): Promise<Asked> {
  const begun = performance.now();
  const res = await fetch(`${system.bridge.url}/anthropic/v1/messages`, {
    method: 'POST',
    body: messagesBody({ stream }),
  });
  const text = await res.text();
  const ms = performance.now() - begun;
  const id = res.headers.get('x-aibridge-interception-id') ?? '';
  const record = await system.tables.ended(id);
  const attempts = await system.tables.children('attempts', id);
  return {
    status: res.status,
    text,
    slug: res.headers.get('x-aibridge-error'),
    ms,
    record,
    attempts,
  };
}

test.each([true, false])('a call that is never answered (stream: %s) is a 504', async (stream) => {
  system.simulator.onAnyKey(neverAnswers());
  const { status, slug, ms, record, attempts } = await ask(stream);
  expect([status, slug]).toEqual([504, 'upstream_timeout']);
  expect(ms).toBeGreaterThanOrEqual(TOTAL_MS - 5);
  expect(record).toMatchObject({ status: 'failed', error_type: 'upstream_timeout' });
  expect(attempts).toMatchObject([
    { outcome: 'timeout', error: 'the call took longer than 0.7 s' },
  ]);
});

test('a stream that drips for ever ends with an error of its API', async () => {
  system.simulator.onAnyKey(combine(answer({ text: 'drop '.repeat(400), chunks: 400 }), paced(50)));
  const { status, text, record, attempts } = await ask(true);
  expect(status).toBe(200);
  expect(text).toContain('drop ');
  expect(text.trimEnd().split('\n\n').at(-1)).toMatch(/^event: error\ndata: \{"type":"error"/);
  expect(record).toMatchObject({
    status: 'failed',
    error_type: 'upstream_timeout',
    usage_source: 'partial',
  });
  expect(attempts).toMatchObject([{ status: 200, outcome: 'timeout' }]);
});

test('a call that waits for its key is bounded, too', async () => {
  system.simulator.onAnyKey(rateLimited({ retryAfter: 20 }));
  const { status, record, attempts } = await ask(false);
  expect(status).toBe(504);
  expect(record).toMatchObject({ status: 'failed', error_type: 'upstream_timeout' });
  expect(attempts).toMatchObject([{ outcome: 'rate_limited' }]);
});

test('a call within the bound ends as ever', async () => {
  system.simulator.onAnyKey(answer());
  const { status, record } = await ask(true);
  expect([status, record['status']]).toEqual([200, 'completed']);
});
