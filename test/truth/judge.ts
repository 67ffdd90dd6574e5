import type { Call } from '../simulator/index.ts';
import type { AuditRow } from '../support/audit-tables.ts';
import { fingerprintOf, hintOf } from '../support/mask.ts';
import { endingsOf, keyRefusal, type Ending } from './endings.ts';
import { attemptFacts, differing, wasCutShort, type Evidence, type Facts } from './evidence.ts';
import { orderOfKeys } from './key-order.ts';
import { factsOf } from './key-refusal.ts';
import { turnsOfLoop } from './loop-judge.ts';

/** In which points the record of a request differs from what happened; empty when in none. */
export function judge(evidence: Evidence): string[] {
  if (evidence.row['status'] === 'interrupted' && wasCutShort(evidence))
    return interrupted(evidence);
  return [
    ...identity(evidence),
    ...prompts(evidence),
    ...keysTried(evidence),
    ...orderOfKeys(evidence),
    ...turnsOfLoop(evidence),
    ...ending(evidence),
  ];
}

/** What was known when the process died is there, and none of it is wrong. */
function interrupted(evidence: Evidence): string[] {
  const { request, calls, attempts, row } = evidence;
  const kind = request.own === undefined ? 'centralized' : 'byok';
  return [
    ...identity(evidence),
    ...orderOfKeys(evidence),
    ...turnsOfLoop(evidence),
    ...differing({ errorType: row['error_type'] }, { errorType: 'interrupted' }),
    ...(attempts.length > calls.length + 1 ? ['attempts were recorded that nobody received'] : []),
    ...attempts.flatMap((attempt, index) => {
      const call = calls[index];
      const known = call === undefined ? {} : namesOf(call.key ?? '');
      return differing(attemptFacts(attempt), { ordinal: index + 1, kind, ...known });
    }),
  ];
}

/** All that the user wrote, and apart from it what a machine wrote in the user's name. */
function prompts({ request, prompts: rows }: Evidence): string[] {
  return ['user', 'machine'].flatMap((source) => {
    const recorded = rows.filter((row) => (row['source'] ?? 'user') === source);
    const text = squeezed(recorded.map((row) => String(row['text'])));
    const written = request.prompts.filter((prompt) => prompt.source === source);
    const expected = squeezed(written.map((prompt) => prompt.text));
    return text === expected ? [] : [`the ${source}'s prompt is ${JSON.stringify(text)}`];
  });
}

/** With what the parts of a prompt are joined is not the point. */
function squeezed(texts: readonly string[]): string {
  return texts.join('').replaceAll(/\s/g, '');
}

function identity({ request, row }: Evidence): string[] {
  const { own, provider, api, mode } = request;
  const actual = {
    provider: row['provider_name'],
    api: row['api'],
    route: row['route'],
    streaming: row['streaming'],
    kind: row['credential_kind'],
    hint: row['credential_hint'],
    fingerprint: row['credential_fingerprint'],
  };
  return differing(actual, {
    provider: provider.name,
    api: api.name,
    route: api.route,
    streaming: mode === 'streaming',
    ...(own === undefined ? { kind: 'centralized' } : { kind: 'byok', ...namesOf(own) }),
  });
}

/** Every call was recorded as an attempt with its key, and nothing else was. */
function keysTried({ request, calls, attempts, row }: Evidence): string[] {
  const isOwn = request.own !== undefined;
  const actual = { attempts: row['attempt_count'], failedOver: row['failed_over'] };
  const lastHint = attempts.at(-1)?.['credential_hint'] ?? '';
  return [
    ...differing(actual, { attempts: attempts.length, failedOver: keysOf(attempts).size > 1 }),
    ...(isOwn ? [] : differing({ hint: row['credential_hint'] }, { hint: lastHint })),
    ...(isOwn && calls.length > 1 ? ["the caller's own key was used twice"] : []),
    ...(calls.length > attempts.length ? ['a call was not recorded'] : []),
    // The last one may have been given up, or lost, on its way.
    ...(attempts.length > calls.length + 1 ? ['attempts were recorded that nobody received'] : []),
    ...calls.flatMap((call, index) =>
      differing(attemptFacts(attempts[index]), {
        ordinal: index + 1,
        kind: isOwn ? 'byok' : 'centralized',
        ...namesOf(call.key ?? ''),
        ...(index < attempts.length - 1 && {
          status: call.sent.status,
          ...followedFacts({ request, attempts }, call, index),
        }),
      }),
    ),
  ];
}

/** One that has waited for a key may have tried the same one again. */
function keysOf(attempts: readonly AuditRow[]): Set<unknown> {
  return new Set(attempts.map((attempt) => attempt['credential_fingerprint']));
}

/** A call after which another one was made was refused for its key, or has ended its turn. */
function followedFacts(
  { request, attempts }: Pick<Evidence, 'request' | 'attempts'>,
  call: Call,
  index: number,
): Facts {
  const endsTurn = attempts[index]?.['turn'] !== attempts[index + 1]?.['turn'];
  return endsTurn ? { outcome: 'served' } : refusedFacts(keyRefusal(request, call));
}

function refusedFacts(refusal: ReturnType<typeof keyRefusal>): Facts {
  return refusal === undefined ? { outcome: 'one that speaks against the key' } : factsOf(refusal);
}

/** The least that differs, over all the ways in which the request may have ended. */
function ending(evidence: Evidence): string[] {
  if (evidence.seen.kind === 'nothing' && !wasCutShort(evidence)) {
    return ['the client got no answer at all'];
  }
  const differences = endingsOf(evidence).map((way) => differencesFrom(way, evidence));
  const [closest] = differences.toSorted((one, other) => one.length - other.length);
  return closest ?? ['nothing that the provider did explains the end'];
}

function differencesFrom({ record, lastAttempt, client }: Ending, evidence: Evidence): string[] {
  return [
    ...differing(recordFacts(evidence.row), record),
    ...differing(attemptFacts(evidence.attempts.at(-1)), lastAttempt),
    ...client,
  ];
}

function recordFacts(row: AuditRow): Facts {
  return {
    status: row['status'],
    errorType: row['error_type'],
    upstreamStatus: row['upstream_status'],
    input: Number(row['input_tokens']),
    output: Number(row['output_tokens']),
    cacheRead: Number(row['cache_read_tokens']),
    cacheWrite: Number(row['cache_write_tokens']),
    usageSource: row['usage_source'],
    isNoted: Array.isArray(row['notes']) && row['notes'].length > 0,
  };
}

function namesOf(key: string): Facts {
  return { hint: hintOf(key), fingerprint: fingerprintOf(key) };
}
