import type { Histogram, Meter } from '@opentelemetry/api';
import { Tally } from '../../telemetry/index.ts';

export type InterceptionInstruments = ReturnType<typeof instrumentsOf>;

/** What is measured of interceptions, under the names of the contract; labels in the order of their values. */
export function instrumentsOf(meter: Meter) {
  return {
    ...talliesOfCalls(meter),
    ...talliesOfContents(meter),
    ...talliesOfKeys(meter),
    ...histograms(meter),
  };
}

function talliesOfCalls(meter: Meter) {
  return {
    interceptions: new Tally(meter, {
      name: 'aibridge_interceptions_total',
      description: 'Model calls that have ended, by how',
      labels: ['provider', 'model', 'status', 'route', 'method', 'initiator_id', 'client'],
    }),
    inFlight: new Tally(meter, {
      name: 'aibridge_interceptions_inflight',
      description: 'Model calls under way',
      labels: ['provider', 'model', 'route'],
      isGauge: true,
    }),
    passthrough: new Tally(meter, {
      name: 'aibridge_passthrough_total',
      description: 'Calls that are relayed without being read',
      labels: ['provider', 'route', 'method'],
    }),
  };
}

function talliesOfContents(meter: Meter) {
  return {
    prompts: new Tally(meter, {
      name: 'aibridge_prompts_total',
      description: 'Prompts that users have typed',
      labels: ['provider', 'model', 'initiator_id', 'client'],
    }),
    tokens: new Tally(meter, {
      name: 'aibridge_tokens_total',
      description: 'Tokens as the providers report them',
      labels: ['provider', 'model', 'type', 'initiator_id', 'client'],
    }),
    ownTools: new Tally(meter, {
      name: 'aibridge_injected_tool_invocations_total',
      description: 'Calls of tools that the bridge offers',
      labels: ['provider', 'model', 'server', 'name'],
    }),
    clientTools: new Tally(meter, {
      name: 'aibridge_non_injected_tool_selections_total',
      description: "Calls that models ask of a client's own tools",
      labels: ['provider', 'model', 'name'],
    }),
  };
}

function talliesOfKeys(meter: Meter) {
  return {
    failovers: new Tally(meter, {
      name: 'aibridge_failovers_total',
      description: 'Moves from one key to the next, by what was wrong',
      labels: ['provider', 'reason'],
    }),
    poolExhausted: new Tally(meter, {
      name: 'aibridge_pool_exhausted_total',
      description: 'Calls for which no key was left',
      labels: ['provider', 'kind'],
    }),
  };
}

function histograms(meter: Meter) {
  return {
    duration: histogram(meter, {
      name: 'aibridge_interceptions_duration_seconds',
      description: 'From the first byte of a model call to the last of its answer',
      bounds: [0.5, 2, 5, 15, 30, 60, 120],
    }),
    attemptDuration: histogram(meter, {
      name: 'aibridge_attempt_duration_seconds',
      description: 'Upstream calls, from the request to the last byte of the answer',
      bounds: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 30, 60, 120],
    }),
    firstByte: histogram(meter, {
      name: 'aibridge_first_byte_seconds',
      description: 'From the first byte of a model call to the first of its answer',
      bounds: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60],
    }),
    overhead: histogram(meter, {
      name: 'aibridge_overhead_seconds',
      description: 'What the bridge itself adds before the first byte of an answer',
      bounds: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1],
    }),
  };
}

interface HistogramOptions {
  readonly name: string;
  readonly description: string;
  readonly bounds: number[];
}

function histogram(meter: Meter, { name, description, bounds }: HistogramOptions): Histogram {
  return meter.createHistogram(name, {
    description,
    advice: { explicitBucketBoundaries: bounds },
  });
}
