import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AUDIT_OPERATIONS } from '../../src/audit/operations.ts';
import { liveEventId } from '../../src/audit/live/live-event-id.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import {
  aPrompt,
  aStart,
  aThought,
  aTool,
  aUsage,
  anAttempt,
  anEnd,
} from '../support/record-events.ts';
import { startAuditSystem, type AuditSystem } from './audit-system.ts';

const ID = uuidv7(Date.UTC(2026, 4, 1));
let audit: AuditSystem;

beforeAll(async () => {
  audit = await startAuditSystem();
  await audit.store(
    aStart({ id: ID, sessionId: 's-1' }),
    anAttempt({ id: ID }),
    aUsage({ id: ID }),
    aPrompt({ id: ID }),
    aTool({ id: ID }),
    aThought({ id: ID }),
    anEnd({ id: ID }),
  );
});

afterAll(() => audit.stop());

// What is documented is what is answered: nothing more, nothing less.
it.each(
  AUDIT_OPERATIONS.flatMap(({ path, answers }) => {
    const schema = answers['application/json'];
    return schema === undefined ? [] : [{ path, schema }];
  }),
)('$path answers as documented', async ({ path, schema }) => {
  const asked = path
    .replace('/api/v1', '')
    .replace('/sessions/{id}', '/sessions/s-1')
    .replace('{id}', ID)
    .replace('{facet}', 'tools');
  const { status, body } = await audit.get(asked);
  expect(status).toBe(200);
  expect(schema.parse(body)).toEqual(body);
});

it('publishes the document that clients are generated from', async () => {
  const document = await fetch(`${audit.bridge.url}/api/openapi.json`);
  expect(document.headers.get('content-type')).toContain('application/json');
  expect(await document.json()).toEqual(JSON.parse(await readFile('docs/openapi.json', 'utf8')));
});

it('lets a generated client follow what ends', async () => {
  const beginning = liveEventId({ seen: { end: 1n, running: [] } });
  const { response, data } = await audit.client().GET('/api/v1/interceptions/live', {
    params: { query: { model: ['followed'] }, header: { 'Last-Event-ID': beginning } },
    parseAs: 'stream',
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const id = uuidv7(Date.now());
  await audit.store(aStart({ id, at: Date.now(), model: 'followed' }), anEnd({ id }));
  let text = '';
  for await (const bytes of data ?? []) {
    text += new TextDecoder().decode(bytes);
    if (text.includes(`"id":"${id}"`)) break; // which also leaves
  }
  expect(text).toContain('event: interception');
});

it('publishes a page that needs no other host', async () => {
  const page = await fetch(`${audit.bridge.url}/api/docs`);
  expect(page.headers.get('content-type')).toContain('text/html');
  expect(await page.text()).toContain('GET /api/v1/interceptions');
});

it('answers what it does not know in the shape of every error', async () => {
  const res = await fetch(`${audit.bridge.url}/api/v2/interceptions`);
  expect(res.status).toBe(404);
  expect(await res.json()).toMatchObject({ statusCode: 404, error: 'Not Found' });
});

it.each(['none', 'hash'])(
  'says that a search finds little where content is %s',
  async (content) => {
    const quiet = await startAuditSystem({ AIBRIDGE_AUDIT_CONTENT: content });
    const params = { query: { text: 'word' } };
    const { data } = await quiet.client().GET('/api/v1/interceptions', { params });
    expect(data?.notice).toMatch(/only (older ones|those recorded in full)/);
    await quiet.stop();
  },
);

it('answers 503 while the database is away', async () => {
  const away = await startAuditSystem();
  await away.database.drop();
  expect(await away.client().GET('/api/v1/interceptions')).toMatchObject({
    response: { status: 503 },
    error: { statusCode: 503, error: 'Service Unavailable' },
  });
  await away.bridge.kill();
  await away.bridge.removeData();
});
