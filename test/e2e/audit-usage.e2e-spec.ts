import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import type { EndEvent, StartEvent } from '../../src/recording/journal/events.ts';
import { aStart, anEnd } from '../support/record-events.ts';
import {
  ALICE,
  BOB,
  startAuditSystem,
  type AuditSystem,
  type Person,
  type Query,
} from './audit-system.ts';

const at = (text: string): number => Date.parse(`${text}Z`);
let audit: AuditSystem;

function record(when: string, facts: Partial<StartEvent> = {}, end: Partial<EndEvent> = {}) {
  const id = uuidv7(at(when));
  return [aStart({ id, at: at(when), ...facts }), anEnd({ id, at: at(when) + 20, ...end })];
}

beforeAll(async () => {
  audit = await startAuditSystem();
  await audit.store(
    ...record('2026-03-30T10:15:00', { initiatorId: ALICE.id }),
    ...record('2026-03-31T23:59:59', { initiatorId: ALICE.id, model: 'gpt-5' }),
    ...record('2026-04-01T00:00:00', { initiatorId: BOB.id }),
    ...record(
      '2026-04-15T12:30:00',
      { initiatorId: BOB.id },
      { status: 'failed', failedOver: true, attemptCount: 2, credentialHint: 'sk-a...0002' },
    ),
    ...record('2026-05-02T08:45:00', { initiatorId: ALICE.id }),
    aStart({ id: uuidv7(at('2026-05-02T09:00:00')), at: at('2026-05-02T09:00:00') }),
  );
});

afterAll(() => audit.stop());

const usage = (query: Query<'getUsage'>, as?: Person) =>
  audit.client(as).GET('/api/v1/usage', { params: { query } });

async function groups(query: Query<'getUsage'> = {}, as?: Person) {
  const { response, data } = await usage(query, as);
  expect(response.status).toBe(200);
  expect(data?.truncated).toBe(false);
  return data?.items;
}

describe('usage', () => {
  it('sums everything that has ended when nothing is grouped', async () => {
    expect(await groups()).toEqual([
      {
        interceptions: 5,
        completed: 4,
        failed: 1,
        aborted: 0,
        interrupted: 0,
        failedOver: 1,
        attempts: 6,
        tokens: { input: 50, output: 25, cacheRead: 15, cacheWrite: 10 },
        durationMs: 100,
      },
    ]);
  });

  it.each([
    [
      'model',
      [
        ['claude-opus-4-5', 4],
        ['gpt-5', 1],
      ],
    ],
    [
      'initiator',
      [
        [ALICE.id, 3],
        [BOB.id, 2],
      ],
    ],
    [
      'month',
      [
        ['2026-03', 2],
        ['2026-04', 2],
        ['2026-05', 1],
      ],
    ],
    ['provider', [['anthropic', 5]]],
    ['client', [['Claude Code', 5]]],
  ] as const)('groups by %s', async (dimension, expected) => {
    const items = await groups({ groupBy: [dimension] });
    expect(items).toMatchObject(
      expected.map(([value, interceptions]) => ({ [dimension]: value, interceptions })),
    );
  });

  it('groups by several at once, times first', async () => {
    expect(
      await groups({ groupBy: ['day', 'initiator'], startedAfter: '2026-03-31' }),
    ).toMatchObject([
      { day: '2026-03-31', initiator: ALICE.id, interceptions: 1 },
      { day: '2026-04-01', initiator: BOB.id, interceptions: 1 },
      { day: '2026-04-15', initiator: BOB.id, interceptions: 1 },
      { day: '2026-05-02', initiator: ALICE.id, interceptions: 1 },
    ]);
    expect(
      await groups({ groupBy: ['credential', 'hour'], startedBefore: '2026-03-31' }),
    ).toMatchObject([
      {
        hour: '2026-03-30T10:00:00.000Z',
        credential: { kind: 'centralized', hint: 'sk-a...0001', fingerprint: '0123456789ab' },
      },
    ]);
  });

  it('takes several groups separated by commas as well', async () => {
    const { body } = await audit.get('/usage?groupBy=month,initiator');
    expect(body['items']).toEqual(await groups({ groupBy: ['month', 'initiator'] }));
  });

  it.each<[Query<'getUsage'>, number]>([
    [{ startedAfter: '2026-04-01', startedBefore: '2026-05-01' }, 2],
    [{ startedAfter: '2026-03-30T10:15:00Z', startedBefore: '2026-05-02T08:45:00Z' }, 4],
    [{ startedAfter: '2026-03-30T10:15:00.001Z', startedBefore: '2026-05-02T08:45:00.001Z' }, 4],
    [{ startedAfter: '2026-03-31T23:59:59Z', startedBefore: '2026-04-01T00:00:00.001Z' }, 2],
    [{ startedAfter: '2026-05-02', startedBefore: '2026-05-01' }, 0],
    [{ initiator: [BOB.id] }, 2],
    [{ initiator: [BOB.id, ALICE.id] }, 5],
    [{ credentialHint: ['sk-a...0002'] }, 1],
    [{ model: ['gpt-5'], client: ['Codex'] }, 0],
  ])('is exact within %j', async (query, interceptions) => {
    expect(await groups(query)).toMatchObject([{ interceptions }]);
  });

  it('shows a member their own only, whatever they group or ask by', async () => {
    expect(await groups({}, BOB)).toMatchObject([{ interceptions: 2 }]);
    expect(await groups({ groupBy: ['initiator'] }, BOB)).toMatchObject([{ initiator: BOB.id }]);
    expect(await groups({ initiator: [ALICE.id] }, BOB)).toMatchObject([{ interceptions: 0 }]);
    const ofAlice = { startedAfter: '2026-03-30T10:15:00Z', startedBefore: '2026-03-30T10:16:00Z' };
    expect(await groups(ofAlice, BOB)).toMatchObject([{ interceptions: 0 }]);
  });

  it('says so when it is asked of people further back than it knows them', async () => {
    const forgetful = await startAuditSystem({ AIBRIDGE_USAGE_RETENTION: '90d' });
    const ask = async (params: string) =>
      (await forgetful.get(`/usage?startedAfter=2020-01-01${params}`)).body['notice'];
    expect(await ask('&groupBy=initiator')).toMatch('after 90 days');
    expect(await ask('&groupBy=model')).toBeUndefined();
    await forgetful.stop();
  });

  it('says that there is more than the limit', async () => {
    const { data } = await usage({ groupBy: ['day'], limit: 2 });
    expect(data).toMatchObject({ truncated: true, items: [{}, {}] });
  });

  it.each(['groupBy=colour', 'groupBy=', 'status=failed', 'limit=0'])(
    'refuses %s',
    async (query) => {
      expect((await audit.get(`/usage?${query}`)).status).toBe(400);
    },
  );
});
