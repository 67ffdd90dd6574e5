import type { Call } from '../simulator/index.ts';
import type { AuditRow, AuditTables } from '../support/audit-tables.ts';
import { isSentWhole, nameOf, tokensOf, type Served } from '../support/load.ts';

const ROWS = `
  SELECT user_agent AS name, status, usage_source, input_tokens AS input, output_tokens AS output,
    credential_kind, attempt_count,
    (SELECT count(*) FROM attempts WHERE interception_id = i.id) AS attempts,
    (SELECT count(*) FROM token_usages WHERE interception_id = i.id) AS usages,
    ARRAY(SELECT text FROM prompts WHERE interception_id = i.id) AS prompts
  FROM interceptions AS i WHERE user_agent LIKE 'load/%'`;

/**
 * Holds the records of a load against what its clients received and what the
 * provider sent. Answers every disagreement, in words.
 */
export async function disagreements(
  tables: AuditTables,
  served: readonly Served[],
  calls: readonly Call[],
): Promise<string[]> {
  const rows = await tables.rows(ROWS);
  const byName = Map.groupBy(rows, ({ name }) => String(name));
  const received = served.filter(({ isWhole }) => isWhole);
  const receivedNames = new Set(received.map(({ name }) => name));
  const sentNames = new Set(calls.filter(isSentWhole).map(nameOf));
  return [
    ...received.flatMap((one) => flaws(one, byName.get(one.name)?.[0])),
    ...calls
      .filter((call) => !byName.has(nameOf(call)))
      .map((call) => `${nameOf(call)}: asked of the provider, not recorded`),
    ...[...byName].filter(([, same]) => same.length > 1).map(([name]) => `${name}: recorded twice`),
    ...[...byName]
      .filter(([name]) => !receivedNames.has(name))
      .filter(([name, [row]]) => !isUnfinished(row, sentNames.has(name)))
      .map(([name, [row]]) => `${name}: not received as a whole, but ${String(row?.['status'])}`),
  ];
}

function flaws({ name, kind }: Served, row: AuditRow | undefined): string[] {
  if (row === undefined) return [`${name}: received, not recorded`];
  const expected = {
    status: 'completed',
    usage_source: 'provider',
    ...tokensOf(name),
    credential_kind: kind === 'own-key' ? 'byok' : 'centralized',
    attempts: row['attempt_count'],
    usages: 1,
    prompts: `prompt of ${name}`,
  };
  return Object.entries(expected)
    .filter(([column, value]) => String(row[column]) !== String(value))
    .map(([column, value]) => `${name}: ${column} is ${String(row[column])}, not ${String(value)}`);
}

/**
 * The end of an answer is recorded before its last bytes leave, so what the provider
 * has sent as a whole may be completed although the client has not received it.
 */
function isUnfinished(row: AuditRow | undefined, isSent: boolean): boolean {
  const status = row?.['status'];
  return status === 'interrupted' || status === 'aborted' || (status === 'completed' && isSent);
}
