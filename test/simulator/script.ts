import type { Behaviour } from './behaviours/behaviour.ts';
import type { Call } from './call.ts';
import type { RouteName } from './routes.ts';

/** A behaviour, or the function that picks one when the call is there. */
export type Scripted = Behaviour | ((call: Call) => Behaviour);

interface Rule {
  readonly matches: (call: Call) => boolean;
  readonly scripted: Scripted;
}

/**
 * What one key does. A rule for a model or route goes before the order of
 * calls, that before `always`. A call that none of them covers is unscripted.
 */
export class Script {
  readonly #rules: Rule[] = [];
  readonly #queue: Scripted[] = [];
  #always: Scripted | null = null;

  always(scripted: Scripted): this {
    this.#always = scripted;
    return this;
  }

  /** One behaviour per call, in order; what follows the last is `always`. */
  inOrder(...scripted: readonly Scripted[]): this {
    this.#queue.push(...scripted);
    return this;
  }

  forModel(model: string, scripted: Scripted): this {
    return this.when((call) => call.model === model, scripted);
  }

  forRoute(route: RouteName, scripted: Scripted): this {
    return this.when((call) => call.route.name === route, scripted);
  }

  /** The most recent rule that matches wins. */
  when(matches: (call: Call) => boolean, scripted: Scripted): this {
    this.#rules.unshift({ matches, scripted });
    return this;
  }

  /** Takes the behaviour for this call, or null when the script has none. */
  next(call: Call): Behaviour | null {
    const rule = this.#rules.find((candidate) => candidate.matches(call));
    const scripted = rule?.scripted ?? this.#queue.shift() ?? this.#always;
    return typeof scripted === 'function' ? scripted(call) : scripted;
  }

  /** Forgets everything scripted so far. */
  reset(): this {
    this.#rules.length = 0;
    this.#queue.length = 0;
    this.#always = null;
    return this;
  }
}

/** The scripts of all keys. A key's own script goes before the one for any key. */
export class Scripts {
  readonly anyKey = new Script();
  readonly withoutKey = new Script();
  readonly #byKey = new Map<string, Script>();

  key(key: string): Script {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const script = new Script();
    this.#byKey.set(key, script);
    return script;
  }

  next(call: Call): Behaviour | null {
    if (call.key === null) return this.withoutKey.next(call);
    return this.#byKey.get(call.key)?.next(call) ?? this.anyKey.next(call);
  }

  reset(): void {
    this.#byKey.clear();
    this.anyKey.reset();
    this.withoutKey.reset();
  }
}
