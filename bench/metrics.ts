import { exit, stdout, threadCpuUsage } from 'node:process';
import { InterceptionMetrics } from '../src/interception/observers/interception-metrics.ts';
import type { BegunInterception } from '../src/interception/record/interception-observer.ts';
import type {
  AttemptFacts,
  ToolFacts,
  UsageFacts,
} from '../src/recording/journal/journal-record.ts';
import { Metrics } from '../src/telemetry/metrics.ts';
import { endFacts } from '../test/support/record-events.ts';

/**
 * What all metric updates of one model call cost in CPU: `node bench/metrics.ts`.
 * Fails when it is more than the budget.
 */
const BUDGET_US = 10;
const ROUNDS = 5;
const CALLS = 50_000;

const KEY = { credentialHint: 'sk-a...0001', credentialFingerprint: '0123456789ab' };
const TOKENS = { input: 12, output: 340, cacheRead: 20_000, cacheWrite: 512 };
const ATTEMPT: AttemptFacts = {
  ...KEY,
  ordinal: 1,
  turn: 1,
  credentialKind: 'centralized',
  status: 200,
  outcome: 'served',
  cooldownMs: null,
  startedAt: 0,
  durationMs: 1_200,
  error: null,
};
const USAGE: UsageFacts = {
  ...TOKENS,
  messageId: 'msg_1',
  extra: { cache_ephemeral_5m_input: 512, cache_ephemeral_1h_input: 0 },
};
const TOOL: ToolFacts = {
  messageId: 'msg_1',
  toolCallId: 'toolu_1',
  tool: 'Bash',
  serverUrl: null,
  input: '{}',
  injected: false,
  error: null,
};
const END = endFacts({ ...KEY, durationMs: 1_210, tokens: TOKENS, firstByteMs: 310 });

const metrics = new Metrics();
const observer = new InterceptionMetrics(metrics.meter);
const begun = Array.from({ length: 200 }, (_, index) => beginning(index));

let bestUs = Infinity;
for (let round = 0; round < ROUNDS; round += 1) bestUs = Math.min(bestUs, measure());
const scrapeUs = await measureScrape();
stdout.write(`${bestUs.toFixed(2)} us per call; budget ${BUDGET_US} us\n`);
stdout.write(`${(scrapeUs / 1000).toFixed(1)} ms per scrape of ${begun.length} users\n`);
exit(bestUs <= BUDGET_US ? 0 : 1);

function measure(): number {
  const before = threadCpuUsage();
  for (let call = 0; call < CALLS; call += 1) {
    const interception = begun[call % begun.length];
    if (interception !== undefined) observe(interception);
  }
  return cpuUs(before) / CALLS;
}

async function measureScrape(): Promise<number> {
  const before = threadCpuUsage();
  await metrics.render();
  return cpuUs(before);
}

function cpuUs(before: NodeJS.CpuUsage): number {
  const { user, system } = threadCpuUsage(before);
  return user + system;
}

/** A streamed call with a tool, as Claude Code makes most. */
function observe(interception: BegunInterception): void {
  const observed = observer.begun(interception);
  observed.attempt(ATTEMPT);
  observed.prompt({ source: 'user', text: 'hi' });
  observed.usage(USAGE);
  observed.tool(TOOL);
  observed.ending(END);
  observed.ended();
}

/** Only what metrics look at. */
function beginning(index: number): BegunInterception {
  return JSON.parse(
    JSON.stringify({
      exchange: {
        match: { kind: 'bridged', label: '/v1/messages' },
        instance: { name: 'anthropic' },
      },
      facts: {
        model: `claude-model-${index % 8}`,
        method: 'POST',
        initiatorId: `user-${index}@corp`,
        client: 'Claude Code',
      },
    }),
  );
}
