import type { Call } from '../simulator/index.ts';
import type { AuditRow } from '../support/audit-tables.ts';
import type { Evidence } from './evidence.ts';
import { endOf, timeOf } from './evidence.ts';
import type { SeenCall } from './expectation.ts';
import { saidIn, together, type Said } from './said.ts';
import type { PlannedRequest } from './scenario.ts';
import { parsed, sentEvents } from './sent-stream.ts';
import { isHidden, turnOf } from './tool-loops.ts';
import type { Tokens } from './truth-api.ts';

/** What the turns before the last one have come to. */
export interface TurnsBefore {
  readonly count: number;
  readonly said: Said;
  readonly tokens: Tokens;
  /** Each of them has told what it used. */
  readonly isCounted: boolean;
}

interface Turn {
  readonly calls: readonly Call[];
  readonly attempts: readonly AuditRow[];
}

export const NO_TURNS: TurnsBefore = {
  count: 0,
  said: { text: '', calls: [] },
  tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  isCounted: true,
};

/** The turns of one answer, as the provider was asked for them and as they were recorded. */
export function turnsIn({ calls, attempts }: Pick<Evidence, 'calls' | 'attempts'>): Turn[] {
  const asked = Map.groupBy(calls, turnOf);
  const recorded = Map.groupBy(attempts, (attempt) => Number(attempt['turn']));
  const count = Math.max(1, ...asked.keys(), ...recorded.keys());
  return Array.from({ length: count }, (_, index) => ({
    calls: asked.get(index + 1) ?? [],
    attempts: recorded.get(index + 1) ?? [],
  }));
}

/** The same request, as if there were only its last turn, and what came before that. */
export function lastTurnOf(evidence: Evidence): Evidence & { readonly before: TurnsBefore } {
  const turns = turnsIn(evidence);
  const earlier = turns.slice(0, -1);
  const { calls = [], attempts = [] } = turns.at(-1) ?? {};
  const answers = earlier.flatMap((turn) => turn.calls.at(-1) ?? []);
  const before = answers.reduce((sum, call) => plus(sum, call, evidence.request), NO_TURNS);
  const lastEnd = earlier.at(-1)?.attempts.at(-1);
  const walkFromMs = lastEnd === undefined ? timeOf(evidence.row['started_at']) : endOf(lastEnd);
  return { ...evidence, calls, attempts, before, walkFromMs };
}

/** And what a turn has come to on top of that. */
export function plus(before: TurnsBefore, call: SeenCall, request: PlannedRequest): TurnsBefore {
  const tokens = tokensIn(call, request);
  return {
    count: before.count + 1,
    said: together([before.said, saidBy(call, request)]),
    tokens: sumOf(before.tokens, tokens),
    isCounted: before.isCounted && tokens !== undefined,
  };
}

export function tokensIn({ sent }: SeenCall, { api }: PlannedRequest): Tokens | undefined {
  if (sent.status !== 200) return undefined;
  return isStream({ sent })
    ? api.usageOfStream(sentEvents(sent.bytes))
    : api.usageOf(parsed(sent.text));
}

export function sumOf(one: Tokens, other: Tokens | undefined): Tokens {
  return {
    input: one.input + (other?.input ?? 0),
    output: one.output + (other?.output ?? 0),
    cacheRead: one.cacheRead + (other?.cacheRead ?? 0),
    cacheWrite: one.cacheWrite + (other?.cacheWrite ?? 0),
  };
}

export function saidBy({ sent }: Pick<SeenCall, 'sent'>, { api }: PlannedRequest): Said {
  return sent.status === 200
    ? saidIn({ api, isStream: isStream({ sent }) }, sent.bytes)
    : NO_TURNS.said;
}

/** The model wants tools of the bridge's, and nothing of its caller. */
export function goesOn(call: Pick<SeenCall, 'sent'>, request: PlannedRequest): boolean {
  const { calls } = saidBy(call, request);
  return calls.length > 0 && calls.every(isHidden);
}

function isStream({ sent }: Pick<SeenCall, 'sent'>): boolean {
  return String(sent.headers['content-type'] ?? '').startsWith('text/event-stream');
}
