import type { Attributes, Counter, Histogram, Meter, UpDownCounter } from '@opentelemetry/api';
import type { EndFacts } from '../recording/index.ts';
import { BoundedLabel } from '../telemetry/index.ts';
import type {
  BegunInterception,
  InterceptionObserver,
  ObservedInterception,
} from './interception-observer.ts';

type Attempt = Parameters<ObservedInterception['attempt']>[0];
type Usage = Parameters<ObservedInterception['usage']>[0];
type Prompt = Parameters<ObservedInterception['prompt']>[0];
type Tool = Parameters<ObservedInterception['tool']>[0];

const DURATION_BUCKETS = [0.5, 2, 5, 15, 30, 60, 120];
const ATTEMPT_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 30, 60, 120];
const FIRST_BYTE_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60];
const OVERHEAD_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1];

/** What an exhausted pool answers, by the error the interception ended with. */
const EXHAUSTED_KIND: Readonly<Record<string, string>> = {
  keys_rate_limited: 'temporary',
  keys_rejected: 'permanent',
};

/** Outcomes that are about the key: what follows one of them is a failover. */
const ABOUT_THE_KEY: ReadonlySet<string> = new Set([
  'rate_limited',
  'quota_exhausted',
  'unauthorized',
  'forbidden',
]);

/** The names that callers choose, kept to so many values. */
class Labels {
  readonly model = new BoundedLabel();
  readonly tool = new BoundedLabel();
  readonly initiator = new BoundedLabel();
  readonly token = new BoundedLabel();
}

/** Counts interceptions: what came, for whom, how it ended, and what it cost in time and tokens. */
export class InterceptionMetrics implements InterceptionObserver {
  readonly #instruments: Instruments;
  readonly #labels = new Labels();

  constructor(meter: Meter) {
    this.#instruments = instrumentsOf(meter);
  }

  begun({ exchange, facts }: BegunInterception): ObservedInterception {
    const { match, instance } = exchange;
    const common = { provider: instance.name, route: match.label, method: facts.method };
    const isBridged = match.kind === 'bridged';
    if (!isBridged) this.#instruments.passthrough.add(1, common);
    const model = isBridged ? this.#labels.model.of(facts.model) : '';
    const caller = {
      initiator_id: this.#labels.initiator.of(facts.initiatorId),
      client: facts.client,
    };
    return new Counted(this.#instruments, this.#labels, {
      isBridged,
      model: { provider: instance.name, model },
      modelAndCaller: { provider: instance.name, model, ...caller },
      whole: { ...common, model, ...caller },
      place: { provider: instance.name, model, route: match.label },
    });
  }
}

interface CountedLabels {
  readonly isBridged: boolean;
  readonly model: { readonly provider: string; readonly model: string };
  readonly modelAndCaller: Attributes;
  readonly whole: Attributes;
  readonly place: Attributes;
}

class Counted implements ObservedInterception {
  readonly #instruments: Instruments;
  readonly #labels: Labels;
  readonly #of: CountedLabels;
  #previous: Attempt | undefined;

  constructor(instruments: Instruments, labels: Labels, of: CountedLabels) {
    this.#instruments = instruments;
    this.#labels = labels;
    this.#of = of;
    if (of.isBridged) instruments.inFlight.add(1, of.place);
  }

  attempt(facts: Attempt): void {
    const { provider } = this.#of.model;
    this.#instruments.attemptDuration.record(facts.durationMs / 1000, {
      provider,
      outcome: facts.outcome,
    });
    const previous = this.#previous;
    this.#previous = facts;
    if (previous === undefined || !ABOUT_THE_KEY.has(previous.outcome)) return;
    this.#instruments.failovers.add(1, { provider, reason: previous.outcome });
  }

  usage({ input, output, cacheRead, cacheWrite, extra }: Usage): void {
    const counts = {
      input,
      output,
      cache_read_input_tokens: cacheRead,
      cache_write_input_tokens: cacheWrite,
      ...extra,
    };
    for (const [name, count] of Object.entries(counts)) {
      const type = this.#labels.token.of(name);
      this.#instruments.tokens.add(count, { ...this.#of.modelAndCaller, type });
    }
  }

  prompt({ text }: Prompt): void {
    if (text !== '') this.#instruments.prompts.add(1, this.#of.modelAndCaller);
  }

  tool({ tool, injected, serverUrl }: Tool): void {
    const name = this.#labels.tool.of(tool);
    if (!injected) this.#instruments.clientTools.add(1, { ...this.#of.model, name });
    else this.#instruments.ownTools.add(1, { ...this.#of.model, server: serverUrl ?? '', name });
  }

  thought(): void {
    // Thoughts are recorded, not counted.
  }

  ending({ status, errorType, durationMs, firstByteMs, overheadMs }: EndFacts): void {
    const { provider } = this.#of.model;
    const exhausted = errorType === null ? undefined : EXHAUSTED_KIND[errorType];
    if (exhausted !== undefined) {
      this.#instruments.poolExhausted.add(1, { provider, kind: exhausted });
    }
    if (overheadMs !== null) this.#instruments.overhead.record(overheadMs / 1000, { provider });
    if (!this.#of.isBridged) return;
    this.#instruments.inFlight.add(-1, this.#of.place);
    this.#instruments.interceptions.add(1, { ...this.#of.whole, status });
    this.#instruments.duration.record(durationMs / 1000, this.#of.model);
    if (firstByteMs !== null) {
      this.#instruments.firstByte.record(firstByteMs / 1000, this.#of.model);
    }
  }

  ended(): void {
    // Whether the end is in the journal by now makes no difference to a count.
  }
}

interface Instruments {
  readonly interceptions: Counter;
  readonly inFlight: UpDownCounter;
  readonly duration: Histogram;
  readonly passthrough: Counter;
  readonly prompts: Counter;
  readonly tokens: Counter;
  readonly ownTools: Counter;
  readonly clientTools: Counter;
  readonly failovers: Counter;
  readonly poolExhausted: Counter;
  readonly attemptDuration: Histogram;
  readonly firstByte: Histogram;
  readonly overhead: Histogram;
}

function instrumentsOf(meter: Meter): Instruments {
  const counter = (name: string, description: string): Counter =>
    meter.createCounter(`aibridge_${name}`, { description });
  const histogram = (name: string, description: string, buckets: number[]): Histogram =>
    meter.createHistogram(`aibridge_${name}`, {
      description,
      advice: { explicitBucketBoundaries: buckets },
    });
  return {
    interceptions: counter('interceptions_total', 'Model calls that have ended, by how'),
    inFlight: meter.createUpDownCounter('aibridge_interceptions_inflight', {
      description: 'Model calls under way',
    }),
    duration: histogram(
      'interceptions_duration_seconds',
      'From the first byte of a model call to the last of its answer',
      DURATION_BUCKETS,
    ),
    passthrough: counter('passthrough_total', 'Calls that are relayed without being read'),
    prompts: counter('prompts_total', 'Prompts that users have typed'),
    tokens: counter('tokens_total', 'Tokens as the providers report them'),
    ownTools: counter('injected_tool_invocations_total', 'Calls of tools that the bridge offers'),
    clientTools: counter(
      'non_injected_tool_selections_total',
      "Calls that models ask of a client's own tools",
    ),
    failovers: counter('failovers_total', 'Moves from one key to the next, by what was wrong'),
    poolExhausted: counter('pool_exhausted_total', 'Calls for which no key was left'),
    attemptDuration: histogram(
      'attempt_duration_seconds',
      'Upstream calls, from the request to the last byte of the answer',
      ATTEMPT_BUCKETS,
    ),
    firstByte: histogram(
      'first_byte_seconds',
      'From the first byte of a model call to the first of its answer',
      FIRST_BYTE_BUCKETS,
    ),
    overhead: histogram(
      'overhead_seconds',
      'What the bridge itself adds before the first byte of an answer',
      OVERHEAD_BUCKETS,
    ),
  };
}
