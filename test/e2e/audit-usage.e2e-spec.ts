import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import type { EndEvent, StartEvent } from '../../src/recording/events.ts';
import { aStart, anEnd } from '../support/record-events.ts';
import { ALICE, BOB, startAuditSystem, type AuditSystem } from './audit-system.ts';

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

async function groups(query: string, as = undefined as typeof ALICE | undefined) {
  const { status, body } = await audit.get(`/usage?${query}`, as);
  expect(status).toBe(200);
  expect(body['truncated']).toBe(false);
  return body['items'];
}

describe('usage', () => {
  it('sums everything that has ended when nothing is grouped', async () => {
    expect(await groups('')).toEqual([
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
  ])('groups by %s', async (dimension, expected) => {
    const items = await groups(`groupBy=${dimension}`);
    expect(items).toMatchObject(
      expected.map(([value, interceptions]) => ({ [dimension]: value, interceptions })),
    );
  });

  it('groups by several at once, times first', async () => {
    expect(await groups('groupBy=day,initiator&startedAfter=2026-03-31')).toMatchObject([
      { day: '2026-03-31', initiator: ALICE.id, interceptions: 1 },
      { day: '2026-04-01', initiator: BOB.id, interceptions: 1 },
      { day: '2026-04-15', initiator: BOB.id, interceptions: 1 },
      { day: '2026-05-02', initiator: ALICE.id, interceptions: 1 },
    ]);
    expect(await groups('groupBy=credential&groupBy=hour&startedBefore=2026-03-31')).toMatchObject([
      {
        hour: '2026-03-30T10:00:00.000Z',
        credential: { kind: 'centralized', hint: 'sk-a...0001', fingerprint: '0123456789ab' },
      },
    ]);
  });

  it.each([
    ['startedAfter=2026-04-01&startedBefore=2026-05-01', 2],
    ['startedAfter=2026-03-30T10:15:00Z&startedBefore=2026-05-02T08:45:00Z', 4],
    ['startedAfter=2026-03-30T10:15:00.001Z&startedBefore=2026-05-02T08:45:00.001Z', 4],
    ['startedAfter=2026-03-31T23:59:59Z&startedBefore=2026-04-01T00:00:00.001Z', 2],
    ['startedAfter=2026-05-02&startedBefore=2026-05-01', 0],
    [`initiator=${BOB.id}`, 2],
    [`initiator=${BOB.id}&initiator=${ALICE.id}`, 5],
    ['credentialHint=sk-a...0002', 1],
    ['model=gpt-5&client=Codex', 0],
  ])('is exact within %s', async (query, interceptions) => {
    expect(await groups(query)).toMatchObject([{ interceptions }]);
  });

  it('shows a member their own only, whatever they group or ask by', async () => {
    expect(await groups('', BOB)).toMatchObject([{ interceptions: 2 }]);
    expect(await groups('groupBy=initiator', BOB)).toMatchObject([{ initiator: BOB.id }]);
    expect(await groups(`initiator=${ALICE.id}`, BOB)).toMatchObject([{ interceptions: 0 }]);
    expect(
      await groups('startedAfter=2026-03-30T10:15:00Z&startedBefore=2026-03-30T10:16:00Z', BOB),
    ).toMatchObject([{ interceptions: 0 }]);
  });

  it('says that there is more than the limit', async () => {
    const { body } = await audit.get('/usage?groupBy=day&limit=2');
    expect(body).toMatchObject({ truncated: true, items: [{}, {}] });
  });

  it.each(['groupBy=colour', 'groupBy=', 'status=failed', 'limit=0'])(
    'refuses %s',
    async (query) => {
      expect((await audit.get(`/usage?${query}`)).status).toBe(400);
    },
  );
});
