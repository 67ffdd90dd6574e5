import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import type { StartEvent } from '../../src/recording/journal/events.ts';
import { aPrompt, aStart, aTool, anEnd } from '../support/record-events.ts';
import {
  ALICE,
  BOB,
  startAuditSystem,
  type AuditSystem,
  type Person,
  type Query,
} from './audit-system.ts';

const AT = Date.UTC(2026, 4, 1);
const [FIRST, SECOND, THIRD, BOBS, ALONE] = [0, 1, 2, 3, 4].map((minute) =>
  uuidv7(AT + minute * 60_000),
);
const CAROL = 'carol@corp';
let audit: AuditSystem;

function turn(id: string | undefined, facts: Partial<StartEvent>, asksFor?: string) {
  const event = { id: String(id), at: AT };
  const start = aStart({ ...event, initiatorId: ALICE.id, sessionId: 'talk', ...facts });
  const { initiatorId, sessionId } = start;
  const tool = { ...event, initiatorId, sessionId, tool: 'Bash' };
  return [
    start,
    ...(asksFor === undefined ? [] : [aTool({ ...tool, toolCallId: asksFor })]),
    anEnd(event),
  ];
}

const machine = (id: string | undefined, text: string) =>
  aPrompt({ id: String(id), source: 'machine', text });

beforeAll(async () => {
  audit = await startAuditSystem();
  await audit.store(
    ...turn(FIRST, {}, 'call-1'),
    aPrompt({ id: String(FIRST), text: 'Fix the build.' }),
    ...turn(SECOND, { correlatingToolCallIds: ['call-1'], model: 'claude-haiku-4-5' }),
    ...turn(THIRD, {}),
    aPrompt({ id: String(THIRD), text: 'Thanks.' }),
    ...turn(BOBS, { initiatorId: BOB.id }),
    ...turn(ALONE, { sessionId: null, client: 'Codex' }),
  );
});

afterAll(() => audit.stop());

const list = (query: Query<'listSessions'> = {}, as?: Person) =>
  audit.client(as).GET('/api/v1/sessions', { params: { query } });
const session = (id: string, query: Query<'getSession'> = {}, as?: Person) =>
  audit.client(as).GET('/api/v1/sessions/{id}', { params: { path: { id }, query } });

describe('sessions', () => {
  it('are conversations of one person, the one that began last first', async () => {
    const { data } = await list();
    expect(data).toMatchObject({
      items: [
        { id: 'talk', initiator: { id: BOB.id }, turns: 1, threads: 1 },
        {
          id: 'talk',
          initiator: { id: ALICE.id },
          turns: 3,
          threads: 2,
          models: ['claude-haiku-4-5', 'claude-opus-4-5'],
          credentials: ['sk-a...0001'],
          tokens: { input: 30, output: 15, cacheRead: 9, cacheWrite: 6 },
          durationMs: 60,
        },
      ],
      nextCursor: null,
    });
  });

  it('are listed once each over all pages', async () => {
    const { data } = await list({ limit: 1 });
    const next = await list({ limit: 1, cursor: String(data?.nextCursor) });
    expect(data).toMatchObject({ items: [{ initiator: { id: BOB.id } }] });
    expect(next.data).toMatchObject({ items: [{ initiator: { id: ALICE.id } }], nextCursor: null });
  });

  it('are found by what any of their turns was, with the sums of all of them', async () => {
    const { data } = await list({ model: ['claude-haiku-4-5'] });
    expect(data).toMatchObject({ items: [{ initiator: { id: ALICE.id }, turns: 3 }] });
    expect((await list({ client: ['Codex'] })).data).toMatchObject({ items: [] });
  });

  it('show a member their own only', async () => {
    const { data } = await list({}, BOB);
    expect(data).toMatchObject({ items: [{ initiator: { id: BOB.id } }] });
    expect(data?.items).toHaveLength(1);
  });
});

describe('a session', () => {
  it('is told in threads: a prompt and the tool calls that it set off', async () => {
    const { data } = await session('talk', {}, ALICE);
    expect(data).toMatchObject({
      id: 'talk',
      threadCount: 2,
      tools: ['Bash'],
      threads: [
        {
          rootId: FIRST,
          turns: [
            { id: FIRST, prompt: 'Fix the build.', tools: ['Bash'] },
            { id: SECOND, prompt: null, tools: [], threadParentId: FIRST, threadRootId: FIRST },
          ],
        },
        { rootId: THIRD, turns: [{ id: THIRD, prompt: 'Thanks.' }] },
      ],
      nextCursor: null,
    });
  });

  it('goes on in a next page where it is long', async () => {
    const { data } = await session('talk', { limit: 2 }, ALICE);
    const next = await session('talk', { limit: 2, cursor: String(data?.nextCursor) }, ALICE);
    expect(next.data).toMatchObject({ threads: [{ turns: [{ id: THIRD }] }], nextCursor: null });
  });

  it('needs a name where several people have one of that id', async () => {
    expect(await session('talk')).toMatchObject({
      response: { status: 400 },
      error: { details: [ALICE.id, BOB.id] },
    });
    const named = await session('talk', { initiator: BOB.id });
    expect(named).toMatchObject({ response: { status: 200 }, data: { turns: 1 } });
  });

  it('is 404 for those who have none', async () => {
    expect((await session('other')).response.status).toBe(404);
    expect((await session('talk', { initiator: ALICE.id }, BOB)).response.status).toBe(404);
  });
});

describe('facets', () => {
  it.each([
    ['initiators', {}, undefined, [ALICE.id, BOB.id]],
    ['initiators', { prefix: 'BO' }, undefined, [BOB.id]],
    ['initiators', { prefix: '%' }, undefined, []],
    ['initiators', {}, BOB, [BOB.id]],
    ['providers', {}, undefined, ['anthropic']],
    ['models', { limit: 1 }, undefined, ['claude-haiku-4-5']],
    ['models', {}, BOB, ['claude-opus-4-5']],
    ['clients', {}, undefined, ['Claude Code', 'Codex']],
    ['tools', {}, undefined, ['Bash']],
    ['tools', {}, ALICE, ['Bash']],
    ['tools', {}, BOB, []],
  ] as const)('of %s by %j', async (facet, query, person, items) => {
    const params = { path: { facet }, query };
    const { data } = await audit.client(person).GET('/api/v1/facets/{facet}', { params });
    expect(data).toEqual({ items });
  });

  it('of anything else are refused', async () => {
    expect((await audit.get('/facets/keys')).status).toBe(400);
  });
});

it('count a thread whose beginning is purged, and name no model where none was named', async () => {
  const [root, child, other] = [10, 11, 12].map((minute) => uuidv7(AT + minute * 60_000));
  const facts = { sessionId: 'old', initiatorId: CAROL };
  await audit.store(
    ...turn(root, facts, 'call-old'),
    ...turn(child, { ...facts, correlatingToolCallIds: ['call-old'] }),
    ...turn(other, { ...facts, model: '', api: 'passthrough' }),
  );
  const client = new Client({ connectionString: audit.database.url });
  await client.connect();
  await client.query('DELETE FROM interceptions WHERE id = $1', [root]);
  await client.end();

  const { data } = await session('old');
  expect(data).toMatchObject({ calls: 2, turns: 1, threadCount: 1, models: ['claude-opus-4-5'] });
  expect(data?.threads.map(({ rootId }) => rootId)).toEqual([root]);
  // A passthrough call is no turn of the conversation.
  expect(data?.others.map(({ id }) => id)).toEqual([other]);
});

it('11.2: count the conversation alone, and show beside it what the client called for itself', async () => {
  const [title, first, agent, second, summary, tokens] = [20, 21, 22, 23, 24, 25].map((minute) =>
    uuidv7(AT + minute * 60_000),
  );
  const dave = { sessionId: 'coding', initiatorId: 'dave@corp' };
  await audit.store(
    ...turn(title, { ...dave, purpose: 'title' }),
    machine(title, '<session>Fix it.</session>'),
    ...turn(first, dave, 'call-main'),
    aPrompt({ id: String(first), text: 'Fix it.' }),
    machine(first, '<system-reminder>Today is Monday.</system-reminder>'),
    ...turn(agent, { ...dave, purpose: 'subagent' }, 'call-agent'),
    ...turn(second, { ...dave, correlatingToolCallIds: ['call-main'] }),
    ...turn(summary, { ...dave, purpose: 'compact', correlatingToolCallIds: ['call-main'] }),
    ...turn(tokens, { ...dave, purpose: 'count_tokens', api: 'passthrough', model: '' }),
  );

  const { data } = await session('coding');
  expect(data).toMatchObject({
    calls: 6,
    turns: 2,
    threadCount: 1,
    tokens: { input: 60, output: 30 },
    tools: ['Bash'],
    threads: [{ rootId: first, turns: [{ id: first, prompt: 'Fix it.' }, { id: second }] }],
    others: [
      { id: title, purpose: 'title', prompt: null },
      { id: agent, purpose: 'subagent', tools: ['Bash'] },
      { id: summary, purpose: 'compact', threadRootId: first },
      { id: tokens, purpose: 'count_tokens' },
    ],
  });
  const { data: found } = await list({ purpose: ['title'] });
  expect(found).toMatchObject({ items: [{ id: 'coding', calls: 6, turns: 2, threads: 1 }] });
});
