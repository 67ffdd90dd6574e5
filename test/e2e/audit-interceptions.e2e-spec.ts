import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import {
  aPrompt,
  aStart,
  aThought,
  aTool,
  anAttempt,
  anEnd,
  aUsage,
} from '../support/record-events.ts';
import {
  ADMIN,
  ALICE,
  AUDITOR,
  BOB,
  idsOf,
  startAuditSystem,
  type AuditSystem,
  type Person,
  type Query,
} from './audit-system.ts';

const AT = Date.UTC(2026, 4, 1, 12);
const HOUR_MS = 3_600_000;
const FULL = uuidv7(AT);
const OF_BOB = uuidv7(AT + HOUR_MS);
const OPEN = uuidv7(AT + 2 * HOUR_MS);

let audit: AuditSystem;

beforeAll(async () => {
  audit = await startAuditSystem();
  await audit.store(
    aStart({ id: FULL, at: AT, initiatorId: ALICE.id, sessionId: 's-1', streaming: true }),
    anAttempt({ id: FULL, ordinal: 1, status: 429, outcome: 'rate_limited', cooldownMs: 5_000 }),
    anAttempt({ id: FULL, ordinal: 2, at: AT }),
    aUsage({ id: FULL, at: AT, extra: { web_search_requests: 1 } }),
    aPrompt({ id: FULL, at: AT, text: 'Why is the connection pool exhausted?' }),
    aPrompt({ id: FULL, at: AT, source: 'machine', text: 'Today is a pool day.' }),
    aTool({ id: FULL, at: AT, tool: 'Bash' }),
    aThought({ id: FULL, at: AT }),
    anEnd({ id: FULL, at: AT + 812, durationMs: 812, attemptCount: 2, failedOver: true }),

    aStart({
      id: OF_BOB,
      at: AT + HOUR_MS,
      initiatorId: BOB.id,
      providerType: 'openai',
      providerName: 'openai-eu',
      model: 'gpt-5',
      client: 'Codex',
      api: 'responses',
      credentialKind: 'byok',
      credentialHint: 'sk-b...9999',
      credentialFingerprint: 'ba9876543210',
    }),
    anEnd({
      id: OF_BOB,
      at: AT + HOUR_MS + 50,
      durationMs: 50,
      status: 'failed',
      errorType: 'rate_limited',
      errorMessage: 'slow down',
      tokens: { input: 1, output: 0, cacheRead: 0, cacheWrite: 0 },
    }),
    aStart({ id: OPEN, at: AT + 2 * HOUR_MS, initiatorId: ALICE.id }),
  );
});

afterAll(() => audit.stop());

const list = (query: Query<'listInterceptions'> = {}, as?: Person) =>
  audit.client(as).GET('/api/v1/interceptions', { params: { query } });
const detailOf = (id: string, as?: Person) =>
  audit.client(as).GET('/api/v1/interceptions/{id}', { params: { path: { id } } });

describe('a record', () => {
  it('has the shape of the contract, with its five arrays', async () => {
    const { response, data } = await detailOf(FULL);
    expect(response.status).toBe(200);
    expect(data).toMatchObject({
      id: FULL,
      startedAt: '2026-05-01T12:00:00.000Z',
      endedAt: '2026-05-01T12:00:00.812Z',
      durationMs: 812,
      initiator: { id: ALICE.id, metadata: {} },
      provider: { type: 'anthropic', name: 'anthropic' },
      sessionId: 's-1',
      threadRootId: null,
      credential: { kind: 'centralized', hint: 'sk-a...0001', fingerprint: '0123456789ab' },
      status: 'completed',
      error: null,
      attemptCount: 2,
      failedOver: true,
      tokens: { input: 10, output: 5, cacheRead: 3, cacheWrite: 2 },
      usageSource: 'provider',
      contentMode: 'full',
      notes: [],
      attempts: [
        { ordinal: 1, status: 429, outcome: 'rate_limited', cooldownMs: 5_000 },
        { ordinal: 2, status: 200, outcome: 'served', credential: { hint: 'sk-a...0001' } },
      ],
      tokenUsages: [{ input: 10, cacheRead: 3, extra: { web_search_requests: 1 } }],
      prompts: [
        { messageId: 'msg_1', source: 'user', text: 'Why is the connection pool exhausted?' },
        { messageId: 'msg_1', source: 'machine', text: 'Today is a pool day.' },
      ],
      toolUsages: [{ tool: 'Bash', toolCallId: 'toolu_1', input: '{"path":"a"}', injected: false }],
      thoughts: [{ source: 'thinking', text: 'hm' }],
    });
  });

  it('is in a list as in its detail, less what only the detail has', async () => {
    const { data: page } = await list({ session: ['s-1'] });
    const { data: detail } = await detailOf(FULL);
    const {
      contentMode,
      notes,
      attempts,
      tokenUsages,
      prompts,
      toolUsages,
      thoughts,
      ...interception
    } = detail ?? {};
    expect(page).toEqual({ items: [interception], nextCursor: null });
    expect([
      contentMode,
      notes,
      attempts,
      tokenUsages,
      prompts,
      toolUsages,
      thoughts,
    ]).not.toContain(undefined);
  });

  it('says what went wrong and what is not known yet', async () => {
    const { data: failed } = await detailOf(OF_BOB);
    expect(failed).toMatchObject({ error: { type: 'rate_limited', message: 'slow down' } });
    const { data: open } = await detailOf(OPEN);
    expect(open).toMatchObject({ status: 'in_progress', endedAt: null, durationMs: null });
  });

  it('is 404 when it does not exist and 400 when the id is none', async () => {
    expect(await detailOf(uuidv7(1))).toMatchObject({
      response: { status: 404 },
      error: { statusCode: 404, error: 'Not Found' },
    });
    expect((await detailOf('1')).response.status).toBe(400);
  });
});

describe('a list', () => {
  it('is newest first, with a total when asked', async () => {
    const answer = await list({ count: true });
    expect(idsOf(answer)).toEqual([OPEN, OF_BOB, FULL]);
    expect(answer.data?.total).toBe(3);
  });

  it.each<[Query<'listInterceptions'>, string[]]>([
    [{ initiator: [ALICE.id] }, [OPEN, FULL]],
    [{ initiator: [ALICE.id, BOB.id] }, [OPEN, OF_BOB, FULL]],
    [{ provider: ['openai-eu'] }, [OF_BOB]],
    [{ providerType: ['openai'] }, [OF_BOB]],
    [{ model: ['gpt-5'] }, [OF_BOB]],
    [{ client: ['Codex'] }, [OF_BOB]],
    [{ client: ['Claude Code'] }, [OPEN, FULL]],
    [{ session: ['s-1'] }, [FULL]],
    [{ api: ['responses'] }, [OF_BOB]],
    [{ status: ['failed', 'completed'] }, [OF_BOB, FULL]],
    [{ status: ['in_progress'] }, [OPEN]],
    [{ errorType: ['rate_limited'] }, [OF_BOB]],
    [{ credentialKind: ['byok'] }, [OF_BOB]],
    [{ credentialHint: ['sk-b...9999'] }, [OF_BOB]],
    [{ credentialFingerprint: ['0123456789ab'] }, [FULL]],
    [{ tool: ['Bash'] }, [FULL]],
    [{ tool: ['Read'] }, []],
    [{ streaming: true }, [FULL]],
    [{ streaming: false }, [OPEN, OF_BOB]],
    [{ failedOver: true }, [FULL]],
    [{ startedAfter: '2026-05-01T13:00:00Z' }, [OPEN, OF_BOB]],
    [{ startedBefore: '2026-05-01T13:00:00Z' }, [FULL]],
    [{ startedAfter: '2026-05-01T14:00:00+01:00', startedBefore: '2026-05-02' }, [OPEN, OF_BOB]],
    [{ minTokens: 20 }, [FULL]],
    [{ minTokens: 21 }, []],
    [{ minDurationMs: 51 }, [FULL]],
    [{ text: 'connection pool' }, [FULL]],
    [{ text: '"pool connection"' }, []],
    [{ text: 'connection -pool' }, []],
    [{ text: 'nothing or EXHAUSTED' }, [FULL]],
    [{ text: 'today' }, []],
    [{ text: 'today', textSource: 'user' }, []],
    [{ text: 'today', textSource: 'all' }, [FULL]],
    [{ text: 'exhausted', textSource: 'all' }, [FULL]],
    [{ text: 'exhausted today', textSource: 'all' }, []],
    [{ textSource: 'all' }, [OPEN, OF_BOB, FULL]],
    [{ initiator: [ALICE.id], status: ['completed'], tool: ['Bash'], text: 'pool' }, [FULL]],
    [{ initiator: [BOB.id], status: ['completed'] }, []],
  ])('narrowed by %j', async (query, expected) => {
    expect(idsOf(await list(query))).toEqual(expected);
  });

  it('goes from page to page to the end', async () => {
    const first = await list({ limit: 2 });
    expect(idsOf(first)).toEqual([OPEN, OF_BOB]);
    const second = await list({ limit: 2, cursor: String(first.data?.nextCursor) });
    expect(idsOf(second)).toEqual([FULL]);
    expect(second.data?.nextCursor).toBeNull();
  });

  it.each([
    ['nonsense=1&sort=up', ['nonsense', 'sort']],
    ['limit=0', ['limit']],
    ['limit=1001', ['limit']],
    ['limit=ten', ['limit']],
    ['limit=1&limit=2', ['limit']],
    ['cursor=abc', ['cursor']],
    ['status=done', ['status.0']],
    ['text=hi&textSource=machine', ['textSource']],
    ['streaming=yes', ['streaming']],
    ['startedAfter=yesterday', ['startedAfter']],
    ['minTokens=-1', ['minTokens']],
    ['model=', ['model.0']],
    ['initiator=%00', ['initiator.0']],
    ['initiator[$ne]=x', ['initiator[$ne]']],
  ])('refuses %s and names what is wrong', async (query, parameters) => {
    const { status, body } = await audit.get(`/interceptions?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({
      statusCode: 400,
      error: 'Bad Request',
      details: parameters.map((parameter) => ({ parameter })),
    });
    for (const parameter of parameters) expect(body['message']).toContain(parameter);
  });
});

it.each(['/me', `/interceptions/${FULL}`])('%s refuses what it does not take', async (path) => {
  expect(await audit.get(`${path}?colour=red`)).toMatchObject({
    status: 400,
    body: { details: [{ parameter: 'colour' }] },
  });
});

describe('who may see what', () => {
  it('shows a member their own records only, whatever they ask for', async () => {
    expect(idsOf(await list({}, ALICE))).toEqual([OPEN, FULL]);
    expect(idsOf(await list({}, BOB))).toEqual([OF_BOB]);
    expect(idsOf(await list({ initiator: [ALICE.id] }, BOB))).toEqual([]);
    expect((await list({ count: true }, BOB)).data?.total).toBe(1);
    expect(idsOf(await list({ text: 'pool' }, BOB))).toEqual([]);
  });

  it("answers somebody else's id to a member as one that does not exist", async () => {
    const foreign = await detailOf(FULL, BOB);
    const absent = await detailOf(uuidv7(1), BOB);
    expect(foreign.response.status).toBe(404);
    expect({ ...foreign.error, message: '' }).toEqual({ ...absent.error, message: '' });
  });

  it.each([AUDITOR, ADMIN])('shows $group everything', async (person) => {
    expect(idsOf(await list({}, person))).toHaveLength(3);
    expect((await detailOf(FULL, person)).response.status).toBe(200);
  });

  it.each(['/interceptions', `/interceptions/${FULL}`, '/me'])(
    'answers nobody on %s without an identity',
    async (path) => {
      const res = await fetch(`${audit.bridge.url}/api/v1${path}`);
      expect(res.status).toBe(401);
      expect(await res.json()).toMatchObject({ statusCode: 401, error: 'Unauthorized' });
    },
  );

  it.each([
    [ALICE, 'member', { readAll: false, change: false }],
    [AUDITOR, 'auditor', { readAll: true, change: false }],
    [ADMIN, 'admin', { readAll: true, change: true }],
  ])('tells $id who they are', async (person, role, may) => {
    const { data } = await audit.client(person).GET('/api/v1/me');
    expect(data).toMatchObject({ id: person.id, role, may });
  });
});
