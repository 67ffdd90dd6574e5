import {
  answer,
  badRequest,
  bigAnswer,
  combine,
  commentFrames,
  creditExhausted,
  crlf,
  cut,
  errorFirst,
  errorMidStream,
  forbidden,
  keepAlives,
  malformedFrame,
  missingTerminal,
  neverAnswers,
  overloaded,
  paced,
  rateLimited,
  resetBeforeHeaders,
  serverError,
  slowHeaders,
  splitEvery,
  stall,
  unauthorized,
  unknownEvents,
  withHeaders,
  type Behaviour,
  type Call,
} from '../simulator/index.ts';
import type { Mode } from '../support/api-under-test.ts';
import type { Habits } from './habits.ts';
import type { TruthProvider } from './providers.ts';
import { Random } from './random.ts';
import { shaped, type Shape } from './shapes.ts';
import {
  callingTools,
  planToolLoop,
  turnOf,
  withOwnTool,
  type ToolLoopPlan,
} from './tool-loops.ts';
import { TRUTH_APIS, type TruthApi } from './truth-api.ts';

/** When a client hangs up. */
export type Leave =
  | { readonly when: 'at_head' }
  | { readonly when: 'after_bytes'; readonly bytes: number }
  | { readonly when: 'after_ms'; readonly ms: number };

export interface PlannedRequest extends Shape {
  /** Links what the client saw, what the simulator did and what was recorded. */
  readonly userAgent: string;
  /** What may be met in it, and in its answer. */
  readonly habits: Habits;
  /** Which of the bridges is asked. */
  readonly bridge: number;
  readonly provider: TruthProvider;
  readonly api: TruthApi;
  readonly mode: Mode;
  /** The one that is asked; empty where a request names none. */
  readonly model: string;
  /** The client's own key; undefined leaves it to the pool. */
  readonly own: string | undefined;
  readonly leave: Leave | undefined;
  /** What the model makes of the bridge's tools; undefined for a request that is offered none. */
  readonly loop: ToolLoopPlan | undefined;
}

/** Requests go to few providers at a time, so that keys are contended for, and on to fresh ones. */
const REQUESTS_PER_PROVIDER = 400;
const PROVIDERS_AT_A_TIME = 8;
/** What concerns the same providers, and no others. */
export const REQUESTS_PER_WINDOW = REQUESTS_PER_PROVIDER * PROVIDERS_AT_A_TIME;

export function providerCount(requests: number): number {
  return PROVIDERS_AT_A_TIME * Math.ceil(requests / REQUESTS_PER_WINDOW);
}

export interface Scenario {
  readonly seed: number;
  readonly habits: Habits;
  readonly bridges: number;
}

/** The request of this number; its place says which of the providers are there for it. */
export function planRequest(
  { seed, habits, bridges }: Scenario,
  index: number,
  providers: readonly TruthProvider[],
  place: number,
): PlannedRequest {
  const random = new Random(seed, 'request', index);
  const group = Math.floor(place / REQUESTS_PER_WINDOW);
  const provider =
    providers[group * PROVIDERS_AT_A_TIME + random.between(0, PROVIDERS_AT_A_TIME - 1)];
  if (provider === undefined) throw new Error(`no provider for request ${index}`);
  const apis = TRUTH_APIS.filter(({ type }) => type === provider.type);
  const api = random.weighted([
    [0, TRUTH_APIS[0]],
    ...apis.map((one) => [one.name === 'passthrough' ? 1 : 3, one] as const),
  ]);
  const prompt = `question ${index} ${'?'.repeat(random.between(0, 400))}`;
  const mode = random.chance(0.6) && api.modes.includes('streaming') ? 'streaming' : 'blocking';
  const named = random.pick(['the-first-model', 'the-second-model']);
  const model = Object.hasOwn(api.body({ prompt, streaming: false }), 'model') ? named : '';
  const planned: Omit<PlannedRequest, 'loop'> = {
    userAgent: `truth/${index}`,
    habits,
    provider,
    api,
    mode,
    model,
    own: random.chance(0.15) ? `sk-own-key-of-caller-${index}` : undefined,
    leave: random.chance(0.1) ? leave(random) : undefined,
    bridge: random.between(0, bridges - 1),
    ...shaped({ api, mode, prompt, model: named }, habits, random),
  };
  return { ...planned, ...withTools(planned, seed, index) };
}

/** Drawn apart from all else, so that requests are the same with and without. */
function withTools(
  { api, own, body, habits }: Omit<PlannedRequest, 'loop'>,
  seed: number,
  index: number,
): Pick<PlannedRequest, 'loop' | 'body'> {
  const isEligible = habits.has('tool_loops') && api.name !== 'passthrough' && own === undefined;
  const loop = isEligible ? planToolLoop(seed, index) : undefined;
  return { loop, body: loop?.bringsOwn === true ? withOwnTool(body, api) : body };
}

function leave(random: Random): Leave {
  return random.pick<Leave>([
    { when: 'at_head' },
    { when: 'after_bytes', bytes: random.between(1, 1_500) },
    { when: 'after_ms', ms: random.between(1, 60) },
  ]);
}

/** What a key does with a call: the same for the same seed, request and key, whatever else goes on. */
export function behaviourFor(
  { seed, habits }: Scenario,
  call: Call,
  loop: ToolLoopPlan | undefined,
): Behaviour {
  const turn = loop === undefined ? 1 : turnOf(call);
  const later = turn === 1 ? [] : [turn];
  const random = new Random(seed, call.headers['user-agent'] ?? '', call.key ?? '', ...later);
  const isCalling = loop !== undefined && turn <= loop.turns.length;
  const whole = isCalling
    ? (chosen: Random) => written(callingTools(loop, turn, chosen), chosen)
    : served;
  const make = random.weighted<(random: Random) => Behaviour>([
    [60, whole],
    [13, limited],
    [1.5, rejected],
    [5, failing],
    [3, () => resetBeforeHeaders()],
    [0.7, () => neverAnswers()],
    [0.7, (chosen) => combine(whole(chosen), stall({ afterEvents: chosen.between(0, 6) }))],
    [6, (chosen) => broken(chosen, whole)],
    [3, refusedInStream],
    [2, (chosen) => errorMidStream('overloaded', { afterEvents: chosen.between(1, 5) })],
    [habits.has('keep_alives') ? 2 : 0, keptAlive],
    [2, () => missingTerminal()],
    [1, (chosen) => combine(served(chosen), malformedFrame({ atEvent: chosen.between(0, 9) }))],
  ]);
  return make(random);
}

/** A proper answer. */
function served(random: Random): Behaviour {
  const usage = {
    input: random.between(1, 5_000),
    output: random.between(1, 900),
    cacheRead: random.between(0, 3_000),
    cacheWrite: random.between(0, 800),
  };
  if (random.chance(0.03)) return bigAnswer(random.between(1, 60) * 5_000);
  const what = random.weighted<Behaviour>([
    [70, answer({ text: 'All is well. '.repeat(random.between(1, 20)), usage })],
    [10, answer({ thinking: 'Let me think. ', text: 'Thought.', usage })],
    [10, answer({ tools: [{ name: 'lookup', input: { city: 'Köln' } }], usage })],
    [5, answer({ text: 'Nothing is counted.', usage: 'none' })],
  ]);
  return written(what, random);
}

/** In one of the many ways in which a provider may write it down. */
function written(what: Behaviour, random: Random): Behaviour {
  const how = random.weighted<Behaviour | undefined>([
    [60, undefined],
    [8, crlf()],
    [8, commentFrames()],
    [8, unknownEvents()],
    [8, splitEvery(random.between(40, 400))],
    [8, paced(random.between(1, 6))],
  ]);
  return how === undefined ? what : combine(what, how);
}

/** Nothing but comments, for as long as no reader may hold them back. */
function keptAlive(random: Random): Behaviour {
  const pace = paced(random.chance(0.2) ? random.between(300, 600) : random.between(1, 20));
  const said = answer({ text: 'At last.', chunks: 1 });
  return combine(said, keepAlives({ count: random.between(1, 3) }), pace);
}

const ACCOUNT_WIDE = 'You have reached the limit of requests for all models.';

function limited(random: Random): Behaviour {
  return random.weighted<Behaviour>([
    [76, rateLimited({ retryAfterMs: random.between(40, 700) })],
    [8, rateLimited({ retryAfterMs: random.between(40, 700), message: ACCOUNT_WIDE })],
    [6, rateLimited()],
    [10, rateLimited({ retryAfter: 1 })],
  ]);
}

function rejected(random: Random): Behaviour {
  return random.pick([
    unauthorized(),
    forbidden(),
    creditExhausted({ status: 402 }),
    creditExhausted({ status: 400 }),
  ]);
}

function failing(random: Random): Behaviour {
  return random.pick([
    serverError(500),
    serverError(502),
    overloaded(),
    overloaded({ status: 503 }),
    badRequest(),
  ]);
}

/** Lost after some events or bytes, even the last one, in each way a connection can be lost. */
function broken(random: Random, whole: (random: Random) => Behaviour): Behaviour {
  const how = random.pick<{ clean: boolean; reset?: boolean }>([
    { clean: true },
    { clean: false },
    { clean: false, reset: true },
  ]);
  const where = random.chance(0.5)
    ? { afterEvents: random.between(1, 12) }
    : { afterBytes: random.between(1, 4_000) };
  return combine(whole(random), cut({ ...how, ...where }));
}

function refusedInStream(random: Random): Behaviour {
  return random.weighted<Behaviour>([
    [10, errorFirst('rate_limited')],
    [40, combine(errorFirst('rate_limited'), withHeaders({ 'retry-after-ms': '300' }))],
    [10, errorFirst('unauthorized')],
    [20, errorFirst('overloaded')],
    [20, errorFirst('server_error')],
  ]);
}

/** How long such a provider takes to answer, so that others come while one finds out. */
const SILENT_ANSWER_MS = 400;

/** The limits of providers that do not say how long they last: of each key, at the first call for each model. */
export class SilentLimits {
  readonly #keys: ReadonlySet<string>;
  readonly #met = new Set<string>();

  constructor(providers: readonly TruthProvider[]) {
    const silent = providers.filter(({ isSilent }) => isSilent);
    this.#keys = new Set(silent.flatMap(({ keys }) => keys));
  }

  /** What a call gets that otherwise would get this. */
  insteadOf(behaviour: Behaviour, { key, model }: Call): Behaviour {
    if (key === null || !this.#keys.has(key)) return behaviour;
    const first = `${key} ${model ?? ''}`;
    if (this.#met.has(first)) return combine(behaviour, slowHeaders(SILENT_ANSWER_MS));
    this.#met.add(first);
    return rateLimited();
  }
}
