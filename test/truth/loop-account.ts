import type { ToolCall, ToolServer } from '../simulator/mcp/index.ts';
import type { AuditRow } from '../support/audit-tables.ts';
import { idOf } from './tool-loops.ts';
import type { TruthSystem } from './truth-system.ts';

/** What there is beside its calls and attempts to a request that was offered tools. */
export interface LoopAccount {
  /** What was recorded of tools, with their inputs, and of what the turns used. */
  readonly tools: readonly AuditRow[];
  readonly usages: readonly AuditRow[];
  /** The calls that the server of the tools has seen. */
  readonly runs: readonly ToolCall[];
  readonly serverUrl: string;
}

export type LoopAccounts = ReadonlyMap<string, LoopAccount>;

/** By the user agents of the requests. */
export async function loopAccountsOf(
  { tables, tools: server }: Pick<TruthSystem, 'tables' | 'tools'>,
  names: readonly string[],
): Promise<LoopAccounts> {
  if (server === undefined || names.length === 0) return new Map();
  const rowsIn = async (table: string, inputs = ''): Promise<Map<unknown, AuditRow[]>> => {
    const rows = await tables.rows(
      `SELECT child.*, i.user_agent ${inputs && ', x.input AS tool_input'} FROM ${table} AS child
        JOIN interceptions AS i ON i.id = child.interception_id ${inputs}
        WHERE i.user_agent = ANY ($1) ORDER BY child.id`,
      [names],
    );
    return Map.groupBy(rows, (row) => row['user_agent']);
  };
  const [tools, usages] = await Promise.all([
    rowsIn(
      'tool_usages',
      `LEFT JOIN tool_inputs AS x
        ON x.interception_id = child.interception_id AND x.id = child.id`,
    ),
    rowsIn('token_usages'),
  ]);
  const runs = runsByName(server);
  return new Map(
    names.map((name) => [
      name,
      {
        tools: tools.get(name) ?? [],
        usages: usages.get(name) ?? [],
        runs: runs.get(name) ?? [],
        serverUrl: server.url,
      },
    ]),
  );
}

/** Whether all that the server was asked has come to the records; after a death that may take a moment. */
export function areRunsRecorded(accounts: LoopAccounts): boolean {
  return [...accounts.values()].every(({ tools, runs }) => {
    const recorded = new Set(tools.map((row) => row['tool_call_id']));
    return runs.every((run) => recorded.has(idOf(run)));
  });
}

function runsByName({ calls }: ToolServer): Map<string, ToolCall[]> {
  return Map.groupBy(calls, (call) => `truth/${/^hidden_(\d+)_/.exec(idOf(call))?.[1]}`);
}
