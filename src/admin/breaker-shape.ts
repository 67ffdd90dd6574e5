import { z } from 'zod';
import { anyOf, MEANING, text } from '../openapi/index.ts';
import type { BreakerSnapshot } from '../upstream/index.ts';
import { count, time, timeOrNull } from './key-shape.ts';

export const breakersQuery = z.strictObject({
  provider: anyOf(text).optional().meta(MEANING.provider),
});

const breakerSchema = z
  .object({
    provider: z.string().meta(MEANING.provider),
    providerType: z.string(),
    route: z.string().meta({ examples: ['/v1/messages'] }),
    model: z.string().nullable().meta({ description: 'Null: calls that name none.' }),
    credentialKind: z.enum(['centralized', 'byok']).meta({
      description: 'Whether calls are served by the pool, or callers bring their own keys.',
    }),
    state: z.enum(['closed', 'half_open', 'open']).meta({
      description:
        'open: calls are refused. half_open: a few are let through to find out. closed: all are.',
    }),
    failures: count.meta({ description: 'In a row so far, of those that open it.' }),
    trips: count.meta({ description: 'How often it has opened.' }),
    retryAfterMs: count.meta({
      description: 'For how long calls are still refused; 0: the next one is let through.',
    }),
    changedAt: time.nullable().meta({ description: 'Null: it has never been open.' }),
  })
  .meta({
    id: 'Breaker',
    description: 'The circuit breaker of one way to a provider, on which something has failed.',
  });

export const breakersAnswerSchema = z
  .object({
    isEnabled: z.boolean().meta({ description: 'false: AIBRIDGE_BREAKER is off.' }),
    items: z.array(breakerSchema),
  })
  .meta({ id: 'Breakers' });

export type BreakersQuery = z.infer<typeof breakersQuery>;
export type BreakersAnswer = z.infer<typeof breakersAnswerSchema>;
type BreakerItem = z.infer<typeof breakerSchema>;

export function breakerItem(
  owner: Pick<BreakerItem, 'provider' | 'providerType'>,
  { model, refusesForMs, changedAtMs, ...breaker }: BreakerSnapshot,
): BreakerItem {
  const { route, credentialKind, state, failures, trips } = breaker;
  return {
    ...owner,
    route,
    model: model === '' ? null : model,
    credentialKind,
    state,
    failures,
    trips,
    retryAfterMs: Math.ceil(refusesForMs),
    changedAt: timeOrNull(changedAtMs),
  };
}
