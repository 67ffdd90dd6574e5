import type { TestServer } from '../support/postgres.ts';
import { accountsOf } from './accounts.ts';
import { nameOf } from './call-book.ts';
import { keyHistory } from './key-history.ts';
import { observe } from './client.ts';
import type { Habits } from './habits.ts';
import { Random } from './random.ts';
import {
  behaviourFor,
  planRequest,
  providerCount,
  REQUESTS_PER_WINDOW,
  SilentLimits,
  type Scenario,
} from './scenario.ts';
import type { ToolLoopPlan } from './tool-loops.ts';
import { BRIDGES, TruthSystem } from './truth-system.ts';
import { differencesIn, type Asked, type Known } from './window.ts';

export interface TruthRun {
  readonly seed: number;
  readonly requests: number;
  readonly habits: Habits;
  readonly server: TestServer;
  /** The bridge to be tried; undefined is what `npm run build` made. */
  readonly program?: string;
  /** Nothing more is asked when so many differences have been found. */
  readonly mismatchesMax?: number;
  /** Ends the run before its time; everything that it started ends with it. */
  readonly signal?: AbortSignal;
  /** Told of after every window. */
  readonly onProgress?: (result: TruthResult) => void;
}

export interface TruthResult {
  /** How many requests have been compared. */
  readonly compared: number;
  readonly kills: number;
  readonly mismatchCount: number;
  /** The first of them. */
  readonly mismatches: readonly string[];
  /** How often each way to end was recorded: a run that met no fault proves nothing. */
  readonly endings: Readonly<Record<string, number>>;
}

const AT_A_TIME = 64;
/** So many requests are sent to the same two bridges; then everything is made anew. */
const REQUESTS_PER_ROUND = 3 * REQUESTS_PER_WINDOW;
/** After how many requests a bridge is killed, and after how many the next one. */
const FIRST_KILL = [200, 1_000] as const;
const NEXT_KILL = [400, 2_000] as const;
const MISMATCHES_TOLD = 20;

/**
 * Lets clients, keys and connections do their worst, kills bridges, and compares all
 * accounts of it. What has been compared is forgotten, so a run may be of any length.
 */
export async function runTruth(run: TruthRun): Promise<TruthResult> {
  const tally = new Tally();
  const kills = new KillPlan(run.seed);
  for (let first = 0; first < run.requests && !tally.isEnough(run); first += REQUESTS_PER_ROUND) {
    const requests = Math.min(REQUESTS_PER_ROUND, run.requests - first);
    const system = await TruthSystem.start(providerCount(requests), {
      server: run.server,
      program: run.program,
      habits: run.habits,
    });
    try {
      await new Round(system, run, { tally, kills, first, requests }).run();
    } finally {
      tally.add(await system.stop());
    }
  }
  return tally.result();
}

/** What has been found so far. */
class Tally {
  #compared = 0;
  kills = 0;
  #mismatchCount = 0;
  readonly #mismatches: string[] = [];
  readonly #endings: Record<string, number> = {};

  add(mismatches: readonly string[]): void {
    this.#mismatchCount += mismatches.length;
    this.#mismatches.push(...mismatches.slice(0, MISMATCHES_TOLD - this.#mismatches.length));
  }

  compared(known: readonly Known[]): void {
    this.#compared += known.length;
    for (const ending of known.flatMap(endingsOf))
      this.#endings[ending] = (this.#endings[ending] ?? 0) + 1;
  }

  isEnough({ mismatchesMax = Infinity, signal }: TruthRun): boolean {
    return this.#mismatchCount >= mismatchesMax || signal?.aborted === true;
  }

  result(): TruthResult {
    return {
      compared: this.#compared,
      kills: this.kills,
      mismatchCount: this.#mismatchCount,
      mismatches: [...this.#mismatches],
      endings: { ...this.#endings },
    };
  }
}

/** At which request which bridge is killed. */
class KillPlan {
  readonly #random: Random;
  #next: number;

  constructor(seed: number) {
    this.#random = new Random(seed, 'kills');
    this.#next = this.#random.between(...FIRST_KILL);
  }

  /** The bridge to be killed now, if one is. */
  at(index: number): number | undefined {
    if (index < this.#next) return undefined;
    this.#next = index + this.#random.between(...NEXT_KILL);
    return this.#random.between(0, BRIDGES - 1);
  }
}

interface RoundParts {
  readonly tally: Tally;
  readonly kills: KillPlan;
  /** The number of its first request. */
  readonly first: number;
  readonly requests: number;
}

/** The requests of one pair of bridges, from their start to their stop. */
class Round {
  readonly #system: TruthSystem;
  readonly #run: TruthRun;
  readonly #parts: RoundParts;
  readonly #scenario: Scenario;
  readonly #windows = new Map<number, Asked[]>();
  readonly #loops = new Map<string, ToolLoopPlan>();
  /** One window is compared after the other. */
  #comparing: Promise<void> = Promise.resolve();
  #killing: Promise<void> = Promise.resolve();

  constructor(system: TruthSystem, run: TruthRun, parts: RoundParts) {
    this.#system = system;
    this.#run = run;
    this.#parts = parts;
    this.#scenario = { seed: run.seed, habits: run.habits, bridges: BRIDGES };
    const silence = new SilentLimits(system.providers);
    system.simulator.onAnyKey((call) =>
      silence.insteadOf(behaviourFor(this.#scenario, call, this.#loops.get(nameOf(call))), call),
    );
  }

  async run(): Promise<void> {
    const places = Array.from({ length: this.#parts.requests }).keys();
    const client = async (): Promise<void> => {
      for (const place of places) await this.#ask(place);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, client));
    await this.#killing;
    await this.#comparing;
  }

  async #ask(place: number): Promise<void> {
    const { tally, kills, first, requests } = this.#parts;
    if (tally.isEnough(this.#run)) return;
    const { providers } = this.#system;
    const request = planRequest(this.#scenario, first + place, providers, place);
    if (request.loop !== undefined) this.#loops.set(request.userAgent, request.loop);
    const victim = kills.at(first + place);
    if (victim !== undefined) this.#kill(victim);
    const life = await this.#system.lifeFor(request);
    const seen = await observe(life.url, request);
    const number = Math.floor(place / REQUESTS_PER_WINDOW);
    const window = this.#windows.get(number) ?? [];
    this.#windows.set(number, window);
    window.push({ request, seen, life });
    const size = Math.min(REQUESTS_PER_WINDOW, requests - number * REQUESTS_PER_WINDOW);
    if (window.length < size) return;
    this.#windows.delete(number);
    this.#comparing = this.#comparing.then(() => this.#compare(window));
    await this.#comparing;
  }

  /** One bridge after the other, so that one of them is there. */
  #kill(victim: number): void {
    const bridge = this.#system.bridges[victim];
    this.#parts.tally.kills += 1;
    this.#killing = this.#killing.then(() => bridge?.kill());
    // One that does not come back is met by whoever waits for it, or at the end.
    this.#killing.catch(() => undefined);
  }

  async #compare(window: readonly Asked[]): Promise<void> {
    const { tally } = this.#parts;
    const known = await accountsOf(this.#system, window);
    const { pulse } = this.#system;
    const found = differencesIn(known, (fromMs, untilMs) => pulse.heldUpMs(fromMs, untilMs));
    tally.add(found.length === 0 ? found : [...found, await keyHistory(this.#system, found)]);
    tally.compared(known);
    this.#run.onProgress?.(tally.result());
  }
}

/** What a run counts: the type of the error, or how it ended without one; and whether tools had run before. */
function endingsOf({ rows: [row], attempts }: Known): string[] {
  if (row === undefined) return ['not recorded'];
  const ending = String(row['error_type'] === null ? row['status'] : row['error_type']);
  const isLater = Number(attempts.at(-1)?.['turn']) > 1;
  return isLater ? [ending, `${ending} after tools`] : [ending];
}
