import { expect, it } from 'vitest';
import { endFacts } from '../../../test/support/record-events.ts';
import type { AttemptFacts, EndFacts } from '../../recording/journal/journal-record.ts';
import { Metrics } from '../../telemetry/index.ts';
import { InterceptionMetrics } from './interception-metrics.ts';
import type { BegunInterception, ObservedInterception } from '../record/interception-observer.ts';

function aBegunInterception(kind: 'bridged' | 'passthrough'): BegunInterception {
  const exchange = {
    match: { kind, label: kind === 'bridged' ? '/v1/messages' : '/v1/models/{id}' },
    instance: { name: 'main' },
  };
  const facts = { model: 'opus', method: 'POST', initiatorId: 'alice', client: 'Codex' };
  return JSON.parse(JSON.stringify({ exchange, facts, readMs: 0, recordedMs: 0 }));
}

function anAttempt(outcome: AttemptFacts['outcome']): AttemptFacts {
  return {
    ordinal: 1,
    turn: 1,
    credentialKind: 'centralized',
    credentialHint: 'sk-a...0001',
    credentialFingerprint: '0123456789ab',
    status: 429,
    outcome,
    cooldownMs: null,
    startedAt: 0,
    durationMs: 40,
    error: null,
  };
}

function anEnd(facts: Partial<EndFacts> = {}): EndFacts {
  return endFacts({ durationMs: 1_000, firstByteMs: 300, overheadMs: 0.5, ...facts });
}

/** The lines of these metrics, without buckets and comments. */
async function counted(
  kind: 'bridged' | 'passthrough',
  happen: (observed: ObservedInterception) => void,
): Promise<(...names: string[]) => string[]> {
  const metrics = new Metrics();
  happen(new InterceptionMetrics(metrics.meter).begun(aBegunInterception(kind)));
  const lines = (await metrics.render()).split('\n');
  return (...names) =>
    lines.filter((line) => names.some((name) => line.startsWith(`aibridge_${name}{`)));
}

it.each<[string, AttemptFacts['outcome'][], string[]]>([
  ['one key that serves', ['served'], []],
  [
    'two keys refused before one serves',
    ['rate_limited', 'unauthorized', 'served'],
    ['reason="rate_limited"} 1', 'reason="unauthorized"} 1'],
  ],
  ['a retry on the same key', ['server_error', 'served'], []],
  ['a last key refused with none after it', ['quota_exhausted'], []],
])('counts as failovers only moves to a next key: %s', async (_, outcomes, expected) => {
  const lines = await counted('bridged', (observed) => {
    for (const outcome of outcomes) observed.attempt(anAttempt(outcome));
  });
  expect(lines('failovers_total')).toEqual(
    expected.map((labels) => `aibridge_failovers_total{provider="main",${labels}`),
  );
});

it.each([
  ['keys_rate_limited', 'temporary'],
  ['keys_rejected', 'permanent'],
])('counts %s as an exhausted pool', async (errorType, kind) => {
  const lines = await counted('bridged', (observed) => {
    observed.ending(anEnd({ status: 'failed', errorType }));
  });
  expect(lines('pool_exhausted_total')).toEqual([
    `aibridge_pool_exhausted_total{provider="main",kind="${kind}"} 1`,
  ]);
});

it('takes a call out of those under way when it ends, however it ends', async () => {
  const during = await counted('bridged', () => undefined);
  const after = await counted('bridged', (observed) => {
    observed.ending(anEnd({ status: 'aborted', firstByteMs: null }));
  });
  const labels = '{provider="main",model="opus",route="/v1/messages"}';
  expect(during('interceptions_inflight')).toEqual([`aibridge_interceptions_inflight${labels} 1`]);
  expect(after('interceptions_inflight')).toEqual([`aibridge_interceptions_inflight${labels} 0`]);
  expect(after('first_byte_seconds_count')).toEqual([]);
});

it('measures in seconds', async () => {
  const lines = await counted('bridged', (observed) => {
    observed.attempt(anAttempt('served'));
    observed.ending(anEnd());
  });
  expect(
    lines(
      'interceptions_duration_seconds_sum',
      'attempt_duration_seconds_sum',
      'first_byte_seconds_sum',
      'overhead_seconds_sum',
    ),
  ).toEqual([
    'aibridge_interceptions_duration_seconds_sum{provider="main",model="opus"} 1',
    'aibridge_attempt_duration_seconds_sum{provider="main",outcome="served"} 0.04',
    'aibridge_first_byte_seconds_sum{provider="main",model="opus"} 0.3',
    'aibridge_overhead_seconds_sum{provider="main"} 0.0005',
  ]);
});

it('counts a tool of the bridge apart from those of the client', async () => {
  const tool = { messageId: null, toolCallId: null, input: null, error: null };
  const lines = await counted('bridged', (observed) => {
    observed.tool({ ...tool, tool: 'Bash', injected: false, serverUrl: null });
    observed.tool({ ...tool, tool: 'search', injected: true, serverUrl: 'https://mcp.corp' });
  });
  expect(lines('injected_tool_invocations_total', 'non_injected_tool_selections_total')).toEqual([
    'aibridge_injected_tool_invocations_total{provider="main",model="opus",server="https://mcp.corp",name="search"} 1',
    'aibridge_non_injected_tool_selections_total{provider="main",model="opus",name="Bash"} 1',
  ]);
});

it('counts a passthrough call as one, and not as a model call', async () => {
  const lines = await counted('passthrough', (observed) => observed.ending(anEnd()));
  expect(lines('passthrough_total', 'interceptions_total', 'interceptions_inflight')).toEqual([
    'aibridge_passthrough_total{provider="main",route="/v1/models/{id}",method="POST"} 1',
  ]);
});
