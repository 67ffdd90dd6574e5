import { objectAt, stringAt, type JsonObject } from '../../core/json.ts';

/** Of `max_tokens`, in percent: whole numbers, so that no share is a token short. */
const BUDGET_PERCENT: Readonly<Record<string, number>> = { low: 20, medium: 50, max: 95 };
const BUDGET_PERCENT_OTHERWISE = 80;
/** Less than this is no budget to Anthropic. */
const BUDGET_MIN = 1_024;

export interface BudgetedThinking {
  /** What `thinking` becomes; undefined where it stays. */
  readonly value: JsonObject | undefined;
  readonly notes: readonly string[];
}

const UNCHANGED: BudgetedThinking = { value: undefined, notes: [] };

/** P-45: a model that does not know how much to think is told. */
export function budgetedThinking(parsed: JsonObject, isAdaptive: boolean): BudgetedThinking {
  const asked = stringAt(objectAt(parsed, 'thinking'), 'type');
  if (isAdaptive || asked !== 'adaptive') return UNCHANGED;
  const max = parsed['max_tokens'];
  if (typeof max !== 'number' || max <= 0) {
    const note =
      'adaptive thinking was sent as it came: max_tokens, its measure, is no number above 0';
    return { value: undefined, notes: [note] };
  }
  const budget = Math.floor((max * percentOf(parsed)) / 100);
  if (budget < BUDGET_MIN) {
    return { value: { type: 'disabled' }, notes: ['adaptive thinking was sent as disabled'] };
  }
  return {
    value: { type: 'enabled', budget_tokens: budget },
    notes: [`adaptive thinking was sent as a budget of ${budget} tokens`],
  };
}

function percentOf(parsed: JsonObject): number {
  const effort = stringAt(objectAt(parsed, 'output_config'), 'effort') ?? '';
  const known = Object.hasOwn(BUDGET_PERCENT, effort) ? BUDGET_PERCENT[effort] : undefined;
  return known ?? BUDGET_PERCENT_OTHERWISE;
}
