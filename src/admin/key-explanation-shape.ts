import { z } from 'zod';
import { MEANING } from '../openapi/index.ts';
import { count, named, stateFields, time } from './key-shape.ts';

const explainedKeySchema = stateFields
  .extend({
    position: count.meta({ description: 'From 0, in the order of preference.' }),
    ...named,
    plan: z.enum(['next', 'later', 'passed_over']).meta({
      description: 'later: tried when what is before it fails for a reason of its own.',
    }),
    sidelinedFor: z.enum(['model', 'everything']).nullable(),
    since: time.nullable(),
    endNamedBy: z
      .enum(['provider', 'bridge', 'operator'])
      .nullable()
      .meta({
        description:
          'Whose word `coolingUntil` is: the provider’s, within AIBRIDGE_COOLDOWN_MAX; a rule of ' +
          'the bridge’s, because the provider has named none; or that of who plays a limit.',
      }),
    trial: z
      .object({ when: z.enum(['now', 'later', 'under_way']), at: time.nullable() })
      .nullable()
      .meta({ description: 'When one call may find out whether the key serves again.' }),
    probeAt: time.nullable().meta({
      description:
        'About when the provider is asked whether it takes the rejected key again; null where ' +
        'it is not: AIBRIDGE_KEY_RECHECK.',
    }),
  })
  .meta({ id: 'ExplainedKey', description: 'What becomes of a key in a call that comes now.' });

export const keyExplanationSchema = z
  .object({
    provider: z.string().meta(MEANING.provider),
    providerType: z.string(),
    model: z.string().nullable().meta({ description: 'Null: a call that names none.' }),
    hasPool: z.boolean().meta({ description: 'false: callers bring their own keys.' }),
    next: z
      .object({ position: count, ...named })
      .nullable()
      .meta({ description: 'The key that the call is made with first.' }),
    keys: z.array(explainedKeySchema),
    refusal: z
      .object({
        status: z.int(),
        error: z.string().meta({ examples: ['keys_rate_limited'] }),
        retryAfterSeconds: count.nullable(),
        waitMs: count.meta({
          description: 'For how long it waits for a key before; 0: it is refused at once.',
        }),
      })
      .nullable()
      .meta({
        description:
          'What a call is told that finds no key, or that comes while another one finds out. ' +
          'Null: there is a key.',
      }),
    refusedRoutes: z
      .array(
        z.object({
          route: z.string().meta({ examples: ['/v1/messages'] }),
          retryAfterSeconds: count,
        }),
      )
      .meta({
        description:
          'Where the circuit breaker is open for such a call: it is refused before any key is ' +
          'looked at.',
      }),
    otherModels: z.array(z.string()).meta({
      description: 'For which some key is sidelined: calls for these may go elsewhere.',
    }),
  })
  .meta({ id: 'KeyExplanation', description: 'Which key the next call would be made with.' });

export type KeyExplanation = z.infer<typeof keyExplanationSchema>;
export type ExplainedKey = z.infer<typeof explainedKeySchema>;
