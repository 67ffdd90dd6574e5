import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answer, rateLimited, startSimulator, type Simulator } from '../simulator/index.ts';
import { AuditTables } from '../support/audit-tables.ts';
import { Bridge } from '../support/bridge.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const FIRST = 'sk-ant-key-number-one-0001';
const SECOND = 'sk-ant-key-number-two-0002';

let simulator: Simulator;
let database: TestDatabase;
let bridge: Bridge;
let tables: AuditTables;

beforeAll(async () => {
  [simulator, database] = await Promise.all([startSimulator(), createTestDatabase()]);
  bridge = await Bridge.start({
    env: {
      DATABASE_URL: database.url,
      AIBRIDGE_ANTHROPIC_BASE_URL: simulator.url,
      AIBRIDGE_ANTHROPIC_KEYS: `${FIRST},${SECOND}`,
    },
  });
  tables = await AuditTables.open(database.url);
});

afterAll(async () => {
  await bridge.stop();
  await tables.close();
  await simulator.close();
  await database.drop();
});

test('records which key was refused and which one served', async () => {
  simulator.key(FIRST).always(rateLimited({ retryAfter: '5' }));
  simulator.key(SECOND).always(answer({ text: 'hello' }));

  const res = await fetch(`${bridge.url}/anthropic/v1/messages`, {
    method: 'POST',
    body: JSON.stringify({
      model: 'claude-opus-4-5',
      max_tokens: 16,
      messages: [{ role: 'user', content: 'hi' }],
    }),
  });
  expect(res.status).toBe(200);
  const { id: messageId } = Object(await res.json());

  const id = res.headers.get('x-aibridge-interception-id') ?? '';
  expect(await tables.ended(id)).toMatchObject({
    status: 'completed',
    credential_hint: 'sk-a...0002',
    failed_over: true,
    attempt_count: 2,
    message_id: messageId,
  });
  expect(await tables.children('attempts', id)).toMatchObject([
    { outcome: 'rate_limited', status: 429, cooldown_ms: 5000, credential_hint: 'sk-a...0001' },
    { outcome: 'served', status: 200, credential_hint: 'sk-a...0002' },
  ]);
  expect(await tables.children('prompts', id)).toMatchObject([{ text: 'hi' }]);
});

test('the process that records is on record with the version of the program', async () => {
  const file = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = Object(JSON.parse(file));
  await expect.poll(() => tables.rows('SELECT version FROM instances')).toEqual([{ version }]);
});
