import { mayReadAll, type Caller } from '../../identity/index.ts';

/** Whose records a question is about; every query of the audit is made with one. */
export type Scope =
  { readonly kind: 'everybody' } | { readonly kind: 'own'; readonly initiatorId: string };

export function scopeOf(caller: Caller): Scope {
  return mayReadAll(caller) ? { kind: 'everybody' } : { kind: 'own', initiatorId: caller.id };
}
