import type { Dimension, Usage } from '../../src/audit/usage/usage-shape.ts';
import type { Interception } from '../../src/generated/prisma/client.ts';

/** Of usage, with one value of each filter. */
export type UsageQuestion = Readonly<Record<string, string>>;

const NOTHING = {
  interceptions: 0,
  completed: 0,
  failed: 0,
  aborted: 0,
  interrupted: 0,
  failedOver: 0,
  attempts: 0,
  tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  durationMs: 0,
};

/** What usage there is by another way than the program's: one record after the other. */
export function usageOfRecords(
  records: readonly Interception[],
  question: UsageQuestion,
  groupBy: readonly Dimension[],
): Usage[] {
  const groups = new Map<string, Usage>();
  if (groupBy.length === 0) groups.set('{}', NOTHING);
  for (const record of records) {
    if (record.status === 'in_progress' || !isAskedFor(record, question)) continue;
    const group = Object.fromEntries(groupBy.map((by) => [by, factsOf(record)[by]]));
    const name = JSON.stringify(group);
    groups.set(name, { ...group, ...plus(groups.get(name) ?? NOTHING, record) });
  }
  return [...groups.values()];
}

function isAskedFor(record: Interception, question: UsageQuestion): boolean {
  const { startedAfter, startedBefore, groupBy: _, ...filter } = question;
  const at = record.startedAt.getTime();
  const facts: Readonly<Record<string, unknown>> = factsOf(record);
  return (
    Object.entries(filter).every(([name, value]) => facts[name] === value) &&
    (startedAfter === undefined || at >= Date.parse(startedAfter)) &&
    (startedBefore === undefined || at < Date.parse(startedBefore))
  );
}

function factsOf(record: Interception): Record<Dimension, unknown> {
  const started = record.startedAt.toISOString();
  return {
    initiator: record.initiatorId,
    provider: record.providerName,
    model: record.model,
    servedModel: record.servedModel,
    client: record.client,
    credential: {
      kind: record.credentialKind,
      hint: record.credentialHint,
      fingerprint: record.credentialFingerprint,
    },
    hour: `${started.slice(0, 13)}:00:00.000Z`,
    day: started.slice(0, 10),
    month: started.slice(0, 7),
  };
}

function plus(sum: Usage, record: Interception): typeof NOTHING {
  const ended = (status: string): number => (record.status === status ? 1 : 0);
  return {
    interceptions: sum.interceptions + 1,
    completed: sum.completed + ended('completed'),
    failed: sum.failed + ended('failed'),
    aborted: sum.aborted + ended('aborted'),
    interrupted: sum.interrupted + ended('interrupted'),
    failedOver: sum.failedOver + Number(record.failedOver),
    attempts: sum.attempts + record.attemptCount,
    tokens: {
      input: sum.tokens.input + Number(record.inputTokens),
      output: sum.tokens.output + Number(record.outputTokens),
      cacheRead: sum.tokens.cacheRead + Number(record.cacheReadTokens),
      cacheWrite: sum.tokens.cacheWrite + Number(record.cacheWriteTokens),
    },
    durationMs: sum.durationMs + (record.durationMs ?? 0),
  };
}
