import type { AuditRow, AuditTables } from './audit-tables.ts';

/** Everything that the tables hold of an interception that has ended. */
export interface WholeRecord {
  readonly row: AuditRow;
  readonly attempts: readonly AuditRow[];
  readonly usages: readonly AuditRow[];
  readonly prompts: readonly AuditRow[];
  readonly tools: readonly AuditRow[];
  readonly thoughts: readonly AuditRow[];
}

/** The record of the interception that a response names. */
export async function recordOf(tables: AuditTables, { headers }: Response): Promise<WholeRecord> {
  const id = headers.get('x-aibridge-interception-id') ?? '';
  const row = await tables.ended(id);
  const [attempts = [], usages = [], prompts = [], tools = [], thoughts = []] = await Promise.all(
    (['attempts', 'token_usages', 'prompts', 'tool_usages', 'thoughts'] as const).map((table) =>
      tables.children(table, id),
    ),
  );
  return { row, attempts, usages, prompts, tools, thoughts };
}
