import type { Scope } from '../question/scope.ts';
import type { UsageQuery } from './usage-shape.ts';

/** Whether sums of everybody together do not answer the question. */
export function isAboutPeople(
  scope: Scope,
  { initiator, groupBy }: Pick<UsageQuery, 'initiator' | 'groupBy'>,
): boolean {
  return scope.kind === 'own' || initiator !== undefined || groupBy?.includes('initiator') === true;
}
