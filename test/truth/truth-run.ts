import { setTimeout as delay } from 'node:timers/promises';
import type { Call } from '../simulator/index.ts';
import type { AuditRow } from '../support/audit-tables.ts';
import { Fleet } from '../support/fleet.ts';
import { until } from '../support/until.ts';
import { observe, type Observation } from './client.ts';
import { FIRST_BYTE_TIMEOUT_MS, IDLE_TIMEOUT_MS } from './expectation.ts';
import { endOf, keyIndex, timeOf, type Evidence } from './evidence.ts';
import { judge } from './judge.ts';
import { DEFAULT_COOLDOWN_MS, refusalIn } from './key-refusal.ts';
import { PoolModel, type TimedAttempt } from './pool-model.ts';
import {
  behaviourFor,
  planRequest,
  providerCount,
  typeOfProvider,
  type PlannedRequest,
} from './scenario.ts';

export interface TruthRun {
  readonly seed: number;
  readonly requests: number;
}

export interface TruthResult {
  readonly mismatches: readonly string[];
  /** How often each way to end was recorded: a run that met no fault proves nothing. */
  readonly endings: Readonly<Record<string, number>>;
}

const AT_A_TIME = 64;
const KEYS = 4;

/** Lets clients, keys and connections do their worst, and compares all accounts of it. */
export async function runTruth({ seed, requests }: TruthRun): Promise<TruthResult> {
  const fleet = new Fleet();
  const providers = Array.from({ length: providerCount(requests) }, (_, index) =>
    fleet.provider(typeOfProvider(index), {
      keys: KEYS,
      FIRST_BYTE_TIMEOUT: `${FIRST_BYTE_TIMEOUT_MS}ms`,
      IDLE_TIMEOUT: `${IDLE_TIMEOUT_MS}ms`,
    }),
  );
  await fleet.start({
    LOG_LEVEL: 'info',
    AIBRIDGE_COOLDOWN_DEFAULT: `${DEFAULT_COOLDOWN_MS}ms`,
    AIBRIDGE_KEY_RECHECK: 'off',
    AIBRIDGE_BREAKER: 'off',
  });
  try {
    fleet.simulator.onAnyKey((call) => behaviourFor(seed, call));
    const planned = Array.from({ length: requests }, (_, index) =>
      planRequest(seed, index, providers),
    );
    const seen = await observeAll(fleet.bridge.url, planned);
    await until('the end of every call', () =>
      fleet.simulator.calls.every(({ outcome }) => outcome !== null) ? true : undefined,
    );
    return compare(planned, seen, await accountsOf(fleet));
  } finally {
    await fleet.stop();
  }
}

async function observeAll(
  bridgeUrl: string,
  planned: readonly PlannedRequest[],
): Promise<readonly Observation[]> {
  const seen: Observation[] = [];
  const entries = planned.entries();
  const client = async (): Promise<void> => {
    for (const [index, request] of entries) seen[index] = await observe(bridgeUrl, request);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, client));
  return seen;
}

interface Accounts {
  readonly calls: ReadonlyMap<string, readonly Call[]>;
  readonly rows: ReadonlyMap<string, AuditRow>;
  readonly attempts: ReadonlyMap<string, readonly AuditRow[]>;
}

/** What the provider and the audit say, by the user agent that names the request. */
async function accountsOf(fleet: Fleet): Promise<Accounts> {
  const { tables, simulator } = fleet;
  const rows = await until('the end of every record', async () => {
    await delay(100);
    const all = await tables.rows('SELECT * FROM interceptions');
    return all.every(({ status }) => status !== 'in_progress') ? all : undefined;
  });
  const attempts = await tables.rows('SELECT * FROM attempts ORDER BY ordinal');
  const named = new Map(rows.map((row) => [row['id'], String(row['user_agent'])]));
  return {
    calls: Map.groupBy(simulator.calls, ({ headers }) => headers['user-agent'] ?? ''),
    rows: new Map(rows.map((row) => [String(row['user_agent']), row])),
    attempts: Map.groupBy(attempts, (row) => named.get(row['interception_id']) ?? ''),
  };
}

function compare(
  planned: readonly PlannedRequest[],
  seen: readonly Observation[],
  accounts: Accounts,
): TruthResult {
  const known = planned.flatMap((request, index): KnownEvidence[] => {
    const observation = seen[index];
    if (observation === undefined) return [];
    const { userAgent } = request;
    const calls = accounts.calls.get(userAgent) ?? [];
    const attempts = accounts.attempts.get(userAgent) ?? [];
    const row = accounts.rows.get(userAgent);
    return [{ request, seen: observation, calls, row, attempts }];
  });
  const judgeOf = judgeFor(known);
  const endings: Record<string, number> = {};
  const mismatches = known.flatMap((evidence) => {
    const ending = String(evidence.row?.['error_type'] ?? evidence.row?.['status']);
    endings[ending] = (endings[ending] ?? 0) + 1;
    const found = judgeOf(evidence);
    return found.length === 0 ? [] : [report(evidence, found)];
  });
  return { mismatches, endings };
}

/** What of one request depends on all the others: the keys' states, and the broken connections. */
function judgeFor(known: readonly KnownEvidence[]): (evidence: KnownEvidence) => string[] {
  const pools = poolModels(known);
  const byProvider = Map.groupBy(known, ({ request }) => request.provider.name);
  const broken = new Map(
    Array.from(byProvider, ([name, of]) => [name, of.flatMap(({ calls }) => brokenAtMs(calls))]),
  );
  return ({ row, ...evidence }) => {
    const { name } = evidence.request.provider;
    if (row === undefined) {
      // One that hung up before its request was there is nothing to record.
      const neverCame = evidence.seen.kind === 'left' && evidence.calls.length === 0;
      return neverCame ? [] : ['there is no record'];
    }
    const pool = pools.get(name) ?? new PoolModel(0, []);
    return judge({ ...evidence, row, pool, brokenAtMs: broken.get(name) ?? [] });
  };
}

function brokenAtMs(calls: readonly Call[]): number[] {
  return calls.flatMap(({ outcome, endedAtMs }) =>
    (outcome === 'cut' || outcome === 'reset') && endedAtMs !== null ? [endedAtMs] : [],
  );
}

type KnownEvidence = Pick<Evidence, 'request' | 'seen' | 'calls' | 'attempts'> & {
  readonly row: AuditRow | undefined;
};

function poolModels(known: readonly KnownEvidence[]): ReadonlyMap<string, PoolModel> {
  const pooled = known.filter(({ request }) => request.own === undefined);
  const byProvider = Map.groupBy(pooled, ({ request }) => request.provider.name);
  return new Map(
    Array.from(byProvider, ([name, of]) => [name, new PoolModel(KEYS, of.flatMap(timedAttempts))]),
  );
}

/** Which attempts cost a key its turn: what the provider said, at the time that the audit gives. */
function timedAttempts({ request, calls, attempts }: KnownEvidence): TimedAttempt[] {
  return attempts.map((attempt, index) => {
    const call = calls[index];
    // One that was aborted did not get to the point of judging its key.
    const isJudged = call !== undefined && attempt['outcome'] !== 'aborted';
    return {
      key: keyIndex(request, attempt),
      name: request.userAgent,
      startedMs: timeOf(attempt['started_at']),
      endedMs: endOf(attempt),
      cooldownMs: isJudged ? refusalIn(call, request.api)?.cooldownMs : undefined,
    };
  });
}

function report({ request, seen, calls, row, attempts }: KnownEvidence, found: string[]): string {
  const { userAgent, api, mode, own, leave } = request;
  const what = `${userAgent} ${request.provider.name} ${api.title} ${mode}`;
  const called = calls.map(({ key, behaviour, sent, outcome }) =>
    [String(key).slice(-4), behaviour, sent.status, `${sent.bytes.length}B`, outcome].join(' '),
  );
  const audited = attempts.map(({ credential_hint: hint, outcome, status }) =>
    [String(hint).slice(-4), outcome, status].join(' '),
  );
  return [
    `${what}${own === undefined ? '' : ' own key'}${leave ? ` leaves ${JSON.stringify(leave)}` : ''}`,
    `  differs: ${found.join('; ')}`,
    `  client: ${[seen.kind, seen.status, `${seen.bytes.length}B`].join(' ')}`,
    `  provider: ${called.join(', ')}`,
    `  audit: ${[row?.['status'], row?.['error_type']].join(' ')} [${audited.join(', ')}]`,
  ].join('\n');
}
