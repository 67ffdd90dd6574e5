import type { ExplainedKey, KeyExplanation } from '../src/admin/key-explanation-shape.ts';
import type { KeyItem } from '../src/admin/key-shape.ts';
import { plain, table } from './audit-table.ts';

/** How a terminal shows keys, and what is to become of them. */
export function keysTable(keys: readonly KeyItem[]): string {
  if (keys.length === 0) return 'no keys\n';
  const rows = keys.map((key) => ({
    provider: key.provider,
    '#': key.position,
    key: key.hint,
    fingerprint: key.fingerprint,
    state: key.state,
    reason: reasonOf(key),
    until: key.coolingUntil,
    'not for': key.models.length === 0 ? null : key.models.map(({ model }) => model),
  }));
  return table(rows);
}

export function explanationText(explanation: KeyExplanation): string {
  const { keys, model } = explanation;
  const rows = keys.map((key) => ({
    '#': key.position,
    key: key.hint,
    fingerprint: key.fingerprint,
    plan: key.plan.replace('_', ' '),
    reason: reasonOf(key),
    for: key.sidelinedFor === 'model' ? (model ?? 'no model') : key.sidelinedFor,
    until: key.coolingUntil,
    'says the': key.endNamedBy,
    again: againOf(key),
  }));
  const lines = [...sentences(explanation)].map((line) => `${plain(line)}\n`);
  return `${rows.length === 0 ? '' : `${table(rows)}\n`}${lines.join('')}`;
}

function reasonOf({ reason, status }: Pick<KeyItem, 'reason' | 'status'>): string | null {
  return reason === 'drill' || reason === null ? reason : `${reason} ${status}`;
}

/** What may bring it back before its time, or at all. */
function againOf({ trial, probeAt }: ExplainedKey): string | null {
  if (trial !== null) return `trial ${trial.at ?? trial.when.replace('_', ' ')}`;
  return probeAt === null ? null : `probe ${probeAt}`;
}

function* sentences(explanation: KeyExplanation): Generator<string> {
  const { provider, hasPool, next, keys, refusal, refusedRoutes, otherModels } = explanation;
  const calls = callsOf(explanation);
  if (!hasPool) {
    yield `${provider} has no keys here: callers bring their own.`;
    yield `Who brings none is told ${refusal?.status} ${refusal?.error}.`;
    return;
  }
  if (next === null) yield `No key is left for ${calls}.`;
  else yield `The next of ${calls} takes key ${next.position}, ${next.hint}.`;
  for (const { route, retryAfterSeconds } of refusedRoutes) {
    yield `On ${route} they are refused for another ${retryAfterSeconds} s: its circuit breaker is open.`;
  }
  if (keys.some(({ trial }) => trial?.when === 'now')) {
    yield 'It finds out whether the key serves again; others find none meanwhile.';
  }
  if (refusal !== null) yield refusalText(refusal);
  if (otherModels.length > 0) {
    yield `For some models other keys are sidelined: ${otherModels.join(', ')}.`;
  }
}

/** Calls, as a sentence names them. */
export function callsOf({ provider, model }: Pick<KeyExplanation, 'provider' | 'model'>): string {
  return `the calls to ${provider} ${model === null ? 'that name no model' : `for ${model}`}`;
}

function refusalText(refusal: NonNullable<KeyExplanation['refusal']>): string {
  const { status, error, retryAfterSeconds, waitMs } = refusal;
  const told = `told ${status} ${error}`;
  const until = retryAfterSeconds === null ? '' : `, Retry-After: ${retryAfterSeconds}`;
  if (waitMs === 0) return `Who finds none is ${told}${until}.`;
  return `Who finds none waits for up to ${Math.ceil(waitMs / 1_000)} s, and may then be ${told}.`;
}
