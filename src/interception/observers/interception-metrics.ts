import type { Meter } from '@opentelemetry/api';
import type { EndFacts } from '../../recording/index.ts';
import { BoundedLabel } from '../../telemetry/index.ts';
import { instrumentsOf, type InterceptionInstruments } from './interception-instruments.ts';
import type {
  BegunInterception,
  InterceptionObserver,
  ObservedInterception,
} from '../record/interception-observer.ts';

type Attempt = Parameters<ObservedInterception['attempt']>[0];
type Usage = Parameters<ObservedInterception['usage']>[0];
type Prompt = Parameters<ObservedInterception['prompt']>[0];
type Tool = Parameters<ObservedInterception['tool']>[0];

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
  readonly #instruments: InterceptionInstruments;
  readonly #labels = new Labels();

  constructor(meter: Meter) {
    this.#instruments = instrumentsOf(meter);
  }

  begun({ exchange, facts }: BegunInterception): ObservedInterception {
    const { match, instance } = exchange;
    const isBridged = match.kind === 'bridged';
    if (!isBridged)
      this.#instruments.passthrough.add(1, [instance.name, match.label, facts.method]);
    return new Counted(this.#instruments, this.#labels, {
      isBridged,
      provider: instance.name,
      model: isBridged || facts.model !== '' ? this.#labels.model.of(facts.model) : '',
      route: match.label,
      method: facts.method,
      initiator: this.#labels.initiator.of(facts.initiatorId),
      client: facts.client,
    });
  }
}

interface LabelsOfOne {
  readonly isBridged: boolean;
  readonly provider: string;
  readonly model: string;
  readonly route: string;
  readonly method: string;
  readonly initiator: string;
  readonly client: string;
}

class Counted implements ObservedInterception {
  readonly #instruments: InterceptionInstruments;
  readonly #labels: Labels;
  readonly #of: LabelsOfOne;
  #previous: Attempt | undefined;

  constructor(instruments: InterceptionInstruments, labels: Labels, of: LabelsOfOne) {
    this.#instruments = instruments;
    this.#labels = labels;
    this.#of = of;
    if (of.isBridged) instruments.inFlight.add(1, [of.provider, of.model, of.route]);
  }

  attempt(facts: Attempt): void {
    const { provider } = this.#of;
    const { outcome, durationMs } = facts;
    this.#instruments.attemptDuration.record(durationMs / 1000, { provider, outcome });
    const previous = this.#previous;
    this.#previous = facts;
    if (previous === undefined || !ABOUT_THE_KEY.has(previous.outcome)) return;
    this.#instruments.failovers.add(1, [provider, previous.outcome]);
  }

  usage({ input, output, cacheRead, cacheWrite, extra }: Usage): void {
    this.#tokens('input', input);
    this.#tokens('output', output);
    this.#tokens('cache_read_input_tokens', cacheRead);
    this.#tokens('cache_write_input_tokens', cacheWrite);
    for (const [name, count] of Object.entries(extra)) {
      this.#tokens(this.#labels.token.of(name), count);
    }
  }

  prompt({ source, text }: Prompt): void {
    const { provider, model, initiator, client } = this.#of;
    if (source === 'user' && text !== '')
      this.#instruments.prompts.add(1, [provider, model, initiator, client]);
  }

  tool({ tool, injected, serverUrl }: Tool): void {
    const { provider, model } = this.#of;
    const name = this.#labels.tool.of(tool);
    if (injected) this.#instruments.ownTools.add(1, [provider, model, serverUrl ?? '', name]);
    else this.#instruments.clientTools.add(1, [provider, model, name]);
  }

  thought(): void {
    // Thoughts are recorded, not counted.
  }

  ending({ status, errorType, durationMs, firstByteMs, overheadMs }: EndFacts): void {
    const { isBridged, provider, model, route, method, initiator, client } = this.#of;
    const exhausted = errorType === null ? undefined : EXHAUSTED_KIND[errorType];
    if (exhausted !== undefined) this.#instruments.poolExhausted.add(1, [provider, exhausted]);
    if (overheadMs !== null) this.#instruments.overhead.record(overheadMs / 1000, { provider });
    if (!isBridged) return;
    this.#instruments.inFlight.add(-1, [provider, model, route]);
    this.#instruments.interceptions.add(1, [
      provider,
      model,
      status,
      route,
      method,
      initiator,
      client,
    ]);
    this.#instruments.duration.record(durationMs / 1000, { provider, model });
    if (firstByteMs !== null) {
      this.#instruments.firstByte.record(firstByteMs / 1000, { provider, model });
    }
  }

  ended(): void {
    // Whether the end is in the journal by now makes no difference to a count.
  }

  #tokens(type: string, count: number): void {
    const { provider, model, initiator, client } = this.#of;
    this.#instruments.tokens.add(count, [provider, model, type, initiator, client]);
  }
}
