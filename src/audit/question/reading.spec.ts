import { expect, it } from 'vitest';
import { filterSchema } from './interception-filter.ts';
import { readingOf } from './reading.ts';

const EVERYBODY = { kind: 'everybody' } as const;
const OWN = { kind: 'own', initiatorId: 'alice@corp' } as const;

it.each([
  [EVERYBODY, {}, 'index'],
  [EVERYBODY, { startedAfter: '2026-01-01', startedBefore: '2026-02-01' }, 'index'],
  [EVERYBODY, { initiator: 'bob@corp' }, 'index'],
  [EVERYBODY, { initiator: 'bob@corp', tool: 'Bash' }, 'index'],
  [EVERYBODY, { tool: 'Bash' }, 'index'],
  [EVERYBODY, { minTokens: '7' }, 'search'],
  [EVERYBODY, { credentialHint: 'sk-a...0001' }, 'index'],
  [EVERYBODY, { credentialHint: 'sk-a...0001', credentialFingerprint: 'f' }, 'search'],
  [EVERYBODY, { tool: 'Bash', minTokens: '7' }, 'search'],
  [EVERYBODY, { model: 'm' }, 'kinds'],
  [EVERYBODY, { model: 'm', status: 'failed', streaming: 'true' }, 'kinds'],
  [EVERYBODY, { model: 'm', startedAfter: '2026-01-01' }, 'kinds'],
  [EVERYBODY, { model: 'm', tool: 'Bash' }, 'search'],
  [EVERYBODY, { initiator: 'bob@corp', model: 'm', tool: 'Bash' }, 'kinds'],
  [EVERYBODY, { initiator: ['bob@corp', 'alice@corp'], model: 'm' }, 'kinds'],
  [EVERYBODY, { initiator: ['bob@corp', 'alice@corp'], model: 'm', tool: 'Bash' }, 'search'],
  [EVERYBODY, { session: 's', model: 'm', tool: 'Bash' }, 'index'],
  [EVERYBODY, { text: 'word' }, 'search'],
  [OWN, { tool: 'Bash', minTokens: '7' }, 'index'],
  [OWN, { model: 'm', tool: 'Bash' }, 'kinds'],
  [OWN, { text: 'word', model: 'm' }, 'search'],
])('for %j, %j is read by %s', (scope, query, reading) => {
  const filter = filterSchema.parse(query);
  const hasKinds = 'model' in query;
  expect(readingOf(scope, filter, hasKinds)).toBe(reading);
});

it('does without kinds where there are too many to name', () => {
  const filter = filterSchema.parse({ model: 'm', status: 'failed' });
  expect(readingOf(EVERYBODY, filter, false)).toBe('search');
});
