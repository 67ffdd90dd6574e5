import type { AnsweredCall, KeptTurns } from '../tool-dialect.ts';
import { callIdOf, isOutput, isSame, itemOf, namesOf, type Item } from './responses-item.ts';

export interface PutBack {
  readonly kept: (name: string) => KeptTurns | undefined;
  readonly resultsOf: (results: readonly AnsweredCall[]) => readonly Buffer[];
  /** Which of the elements the provider takes. */
  readonly sayable: (elements: readonly Buffer[]) => readonly Buffer[];
}

/** An item of a kept answer, and whether the caller was shown it. */
interface SaidItem extends Item {
  readonly isShown: boolean;
}

/** The items of the input that repeat an answer. */
interface Region {
  readonly start: number;
  readonly end: number;
}

/**
 * The input with what was hidden of its answers put back where it was said, and the results of the
 * bridge's tools before those of the caller's. What the caller repeats stays as it repeats it; where
 * it repeats nothing, because the provider has stored the answer, only results are put in.
 */
export function restoredInput(input: readonly Item[], putBack: PutBack): Buffer[] {
  const found = new Set<KeptTurns>();
  const restored: Buffer[] = [];
  let done = 0;
  for (const [index, { item }] of input.entries()) {
    const turns = index < done ? undefined : keptOf(item, putBack.kept);
    if (turns === undefined || found.has(turns)) continue;
    found.add(turns);
    const said = saidIn(turns, putBack);
    const region = regionAt(input, index, said);
    const start = Math.max(done, region.start);
    for (const { json } of input.slice(done, start)) restored.push(json);
    restored.push(...wovenIn(input.slice(start, region.end), said));
    restored.push(...putBack.resultsOf(turns.results));
    done = region.end;
  }
  return [...restored, ...input.slice(done).map(({ json }) => json)];
}

export function keptOf(item: Item['item'], kept: PutBack['kept']): KeptTurns | undefined {
  for (const name of namesOf(item)) {
    const turns = kept(name);
    if (turns !== undefined) return turns;
  }
  return undefined;
}

function saidIn({ before, said, results }: KeptTurns, { sayable }: PutBack): readonly SaidItem[] {
  const items = sayable([...before, ...said]).map(itemOf);
  const answered = items.flatMap(({ item }) =>
    item['type'] === 'function_call_output' ? (callIdOf(item) ?? []) : [],
  );
  const hidden = new Set([...answered, ...results.map(({ call }) => call.id)]);
  return items.map((each) => ({ ...each, isShown: !hidden.has(callIdOf(each.item) ?? '') }));
}

/** What stands around an item without anything of the caller's between. No more than was said. */
function regionAt(input: readonly Item[], index: number, said: readonly SaidItem[]): Region {
  const isSaid = (at: number): boolean =>
    input[at] !== undefined && !isCallers(input[at].item, said);
  let start = index;
  while (index - start < said.length && isSaid(start - 1)) start -= 1;
  let end = index;
  while (end - start < said.length && isSaid(end)) end += 1;
  return { start, end };
}

const CALLERS_ROLES: ReadonlySet<unknown> = new Set(['user', 'system', 'developer']);

/** What the provider runs itself has its outputs in the answer. */
function isCallers(item: Item['item'], said: readonly SaidItem[]): boolean {
  if (CALLERS_ROLES.has(item['role'])) return true;
  return isOutput(item) && !said.some((known) => isSame(item, known.item));
}

function wovenIn(region: readonly Item[], said: readonly SaidItem[]): Buffer[] {
  const woven: Buffer[] = [];
  let next = 0;
  for (const { item, json } of region) {
    const place = placeOf(item, said, next);
    if (place >= 0) {
      woven.push(...leftOut(said.slice(next, place)));
      next = place + 1;
    }
    woven.push(json);
  }
  return next === 0 ? woven : [...woven, ...leftOut(said.slice(next))];
}

/** No more than this is looked through for one, so that many which are not there take no longer. */
const LEFT_OUT_MAX = 1024;

function placeOf(item: Item['item'], said: readonly SaidItem[], from: number): number {
  for (let at = from; at < Math.min(said.length, from + LEFT_OUT_MAX); at += 1) {
    const known = said[at];
    if (known?.isShown === true && isSame(item, known.item)) return at;
  }
  return -1;
}

/** What was hidden; and thoughts, which some clients drop, as what follows them is not taken without. */
function leftOut(said: readonly SaidItem[]): Buffer[] {
  return said
    .filter(({ item, isShown }) => !isShown || item['type'] === 'reasoning')
    .map(({ json }) => json);
}
