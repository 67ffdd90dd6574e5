import { describe, expect, it } from 'vitest';
import type { Scope } from '../question/scope.ts';
import { usageNotice } from './usage-notice.ts';
import { usageQuerySchema } from './usage-shape.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 6, 1);
const EVERYBODY: Scope = { kind: 'everybody' };
const OWN: Scope = { kind: 'own', initiatorId: 'alice@corp' };

function notice(scope: Scope, query: Readonly<Record<string, unknown>>, days = 90) {
  const question = { scope, query: usageQuerySchema.parse(query) };
  return usageNotice(question, { usageRetentionMs: days * DAY }, NOW);
}

describe('a question about usage that goes too far back', () => {
  it.each([
    [OWN, {}],
    [EVERYBODY, { groupBy: 'initiator' }],
    [EVERYBODY, { initiator: 'bob@corp', startedAfter: '2026-04-01' }],
  ])('is told so when it is about single people: %j %j', (scope, query) => {
    expect(notice(scope, query)).toMatch('after 90 days');
  });

  it.each([
    [EVERYBODY, { groupBy: 'model' }],
    [OWN, { startedAfter: '2026-04-03' }],
  ])('is not when all of it is there: %j %j', (scope, query) => {
    expect(notice(scope, query)).toBeUndefined();
  });

  it('is not where usage is kept for ever', () => {
    expect(notice(OWN, {}, 0)).toBeUndefined();
  });
});
