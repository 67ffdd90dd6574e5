import type { AuditRow } from '../support/audit-tables.ts';
import { differing, type Evidence } from './evidence.ts';
import type { LoopAccount } from './loop-account.ts';
import { wrongInAnyCase } from './loop-client.ts';
import type { SaidCall } from './said.ts';
import { parsed } from './sent-stream.ts';
import { idOf, isHidden, isOffered, resultOf, toolNamed, turnOf } from './tool-loops.ts';
import { goesOn, saidBy, tokensIn, turnsIn } from './turns.ts';

/** What differs in the turns of a request, beside its keys and its end. Who is in no group has but one. */
export function turnsOfLoop(evidence: Evidence): string[] {
  const { loop, calls } = evidence;
  if (loop === undefined) return calls.some(isOffered) ? ['tools were offered to anybody'] : [];
  return [
    ...wrongInAnyCase(evidence),
    ...asked(evidence),
    ...toolsRecorded(evidence, loop),
    ...usagesRecorded(evidence, loop),
  ];
}

/** Each turn was asked for with all that came before it, and with nothing else than its first call. */
function asked(evidence: Evidence): string[] {
  const { request } = evidence;
  const turns = turnsIn(evidence);
  return turns.flatMap(({ calls, attempts }, index) => {
    const [first] = calls;
    const isLast = index === turns.length - 1;
    const results = turns.slice(0, index).flatMap((turn) => resultsDue(turn.calls.at(-1), request));
    const isWithout = (text: string): boolean => first?.body.includes(text) === false;
    const end = calls.at(-1);
    return [
      ...(calls.every((call) => isOffered(call)) ? [] : ['tools were not offered']),
      ...(calls.every(({ body }) => first?.body.equals(body))
        ? []
        : ['two keys were asked unlike']),
      ...results.filter(isWithout).map((text) => `the provider was not told that ${text}`),
      ...(isLast || (end !== undefined && goesOn(end, request)) ? [] : ['it asked once more']),
      ...attempts.flatMap((attempt) => differing({ turn: attempt['turn'] }, { turn: index + 1 })),
      ...calls.flatMap((call) => differing({ turn: turnOf(call) }, { turn: index + 1 })),
    ];
  });
}

function resultsDue(
  call: Evidence['calls'][number] | undefined,
  request: Evidence['request'],
): string[] {
  return call === undefined ? [] : hiddenIn(call, request).map((one) => resultBy(one));
}

function toolsRecorded(evidence: Evidence, loop: LoopAccount): string[] {
  const { request, row } = evidence;
  const turns = turnsIn(evidence);
  const sent = turns.map(({ calls }) => calls.flatMap((call) => hiddenIn(call, request)));
  const isOver = row['status'] === 'completed';
  const certain = isOver ? sent.flat() : sent.slice(0, -1).flat();
  const injected = loop.tools.filter((tool) => tool['injected'] === true);
  const own = loop.tools.filter((tool) => tool['injected'] !== true);
  const called = new Map(sent.flat().map((call) => [call.id, call]));
  return [
    ...injected.flatMap((tool) => {
      const call = called.get(String(tool['tool_call_id']));
      return call === undefined
        ? [`the tool call ${String(tool['tool_call_id'])} is one that nobody made`]
        : wrongRow(tool, call, { evidence, loop });
    }),
    ...certain.flatMap(({ id }) => wrongCount('rows', id, rowsOf(injected, id).length, 1)),
    ...certain
      .filter((call) => rowsOf(injected, call.id).every((tool) => !hasRun(tool, row)))
      .map(({ id }) => `the tool call ${id} was not run`),
    ...loop.runs.map(idOf).flatMap((id) => {
      const isRecorded = rowsOf(injected, id).some((tool) => tool['error'] !== NOT_RUN);
      return isRecorded ? [] : [`the tool call ${id} was run, and is not recorded`];
    }),
    ...(isOver ? ownCalls(evidence, own) : []),
  ];
}

const NOT_RUN = 'not run';
const NO_RESULT = 'no result has come';
const STOPPED = /^The tool was stopped/;

function wrongRow(
  tool: AuditRow,
  call: SaidCall,
  { evidence, loop }: { evidence: Evidence; loop: LoopAccount },
): string[] {
  const known = { tool: tool['tool'], server: tool['server_url'], input: inputOf(tool) };
  const expected = { tool: toolNamed(call.name), server: loop.serverUrl, input: call.id };
  const runs = loop.runs.filter((run) => idOf(run) === call.id).length;
  const possible = runsPossible(tool, evidence.row);
  return [
    ...differing(known, expected),
    ...(possible.includes(runs) ? [] : [`the tool call ${call.id} was seen ${runs} times`]),
    ...(isWithoutResult(tool) ? [] : wrongResult(tool, call)),
  ];
}

/** How often the server may have seen a call of which this is recorded. */
function runsPossible({ error }: AuditRow, { status }: AuditRow): readonly number[] {
  if (error === NOT_RUN) return [0];
  if (error === NO_RESULT) return status === 'interrupted' ? [0, 1] : [];
  if (STOPPED.test(String(error))) return status === 'aborted' ? [0, 1] : [];
  return [1];
}

function isWithoutResult({ error }: AuditRow): boolean {
  return error === NOT_RUN || error === NO_RESULT || STOPPED.test(String(error));
}

function wrongResult(tool: AuditRow, call: SaidCall): string[] {
  const { error, duration_ms: durationMs, result_bytes: bytes } = tool;
  const result = resultBy(call);
  const isFailing = toolNamed(call.name) === 'failing';
  return differing(
    { error, bytes, isTimed: typeof durationMs === 'number' },
    { error: isFailing ? result : null, bytes: result.length, isTimed: true },
  );
}

function hasRun(tool: AuditRow, { status }: AuditRow): boolean {
  const { error } = tool;
  return error !== NOT_RUN && (error !== NO_RESULT || status === 'interrupted');
}

/** What the caller is to do itself. */
function ownCalls(evidence: Evidence, own: readonly AuditRow[]): string[] {
  const { request } = evidence;
  const end = turnsIn(evidence).at(-1)?.calls.at(-1);
  const calls = end === undefined ? [] : saidBy(end, request).calls.filter((one) => !isHidden(one));
  return differing(
    { own: JSON.stringify(own.map((row) => [row['tool_call_id'], row['tool']])) },
    { own: JSON.stringify(calls.map(({ id, name }) => [id, name])) },
  );
}

/** One row for each turn that told of it; of the last one only where there is an end to compare with. */
function usagesRecorded(evidence: Evidence, { usages }: LoopAccount): string[] {
  const { request, row } = evidence;
  const told = turnsIn(evidence)
    .slice(0, -1)
    .flatMap(({ calls }) => {
      const end = calls.at(-1);
      return end === undefined ? [] : (tokensIn(end, request) ?? []);
    });
  const rows = usages.map(countsOf);
  const found = told.flatMap((tokens, index) => differing({ ...rows[index] }, { ...tokens }));
  if (rows.length < told.length) return [...found, 'the usage of a turn was not recorded'];
  if (rows.length > told.length + 1) return [...found, 'there is more usage than turns'];
  if (row['status'] === 'interrupted') return found;
  const total = countsOf({
    input: row['input_tokens'],
    output: row['output_tokens'],
    cache_read: row['cache_read_tokens'],
    cache_write: row['cache_write_tokens'],
  });
  const sum = (name: keyof typeof total): number =>
    rows.reduce((so, counts) => so + counts[name], 0);
  const sums = {
    input: sum('input'),
    output: sum('output'),
    cacheRead: sum('cacheRead'),
    cacheWrite: sum('cacheWrite'),
  };
  return [...found, ...differing(total, sums)];
}

function countsOf(row: AuditRow) {
  return {
    input: Number(row['input']),
    output: Number(row['output']),
    cacheRead: Number(row['cache_read']),
    cacheWrite: Number(row['cache_write']),
  };
}

function hiddenIn(call: Evidence['calls'][number], request: Evidence['request']): SaidCall[] {
  return saidBy(call, request).calls.filter(isHidden);
}

function resultBy({ id, name }: SaidCall): string {
  return resultOf(toolNamed(name), id);
}

function inputOf(tool: AuditRow): unknown {
  const input: unknown = parsed(String(tool['tool_input']));
  return idOf({ input: Object(input) });
}

function rowsOf(rows: readonly AuditRow[], id: string): AuditRow[] {
  return rows.filter((row) => row['tool_call_id'] === id);
}

function wrongCount(what: string, id: string, count: number, expected: number): string[] {
  return count === expected ? [] : [`of the tool call ${id} there are ${count} ${what}`];
}
