import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { AUDIT_OPERATIONS } from '../../src/audit/operations.ts';
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

it('publishes the document and a page that needs no other host', async () => {
  const document = await fetch(`${audit.bridge.url}/api/openapi.json`);
  expect(z.object({ openapi: z.string() }).parse(await document.json()).openapi).toBe('3.1.0');
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
    const { body } = await quiet.get('/interceptions?text=word');
    expect(body['notice']).toMatch(/only (older ones|those recorded in full)/);
    await quiet.stop();
  },
);

it('answers 503 while the database is away, and is back with it', async () => {
  const away = await startAuditSystem();
  await away.database.drop();
  expect(await away.get('/interceptions')).toMatchObject({
    status: 503,
    body: { statusCode: 503, error: 'Service Unavailable' },
  });
  await away.bridge.kill();
});
