import { z } from 'zod';
import type { KeyEvent, KeySnapshot, KeyState } from '../keypool/index.ts';
import { MEANING } from '../openapi/index.ts';

export const time = z.iso.datetime();
export const count = z.int().min(0);
export const named = {
  hint: z.string().meta(MEANING.hint),
  fingerprint: z.string().meta(MEANING.fingerprint),
};

export const stateFields = z.object({
  state: z.enum(['valid', 'temporary', 'permanent']).meta({
    description:
      'temporary: cooling down. permanent: rejected, until a probe or a reset says otherwise.',
  }),
  reason: z
    .enum(['rate_limited', 'quota_exhausted', 'drill', 'unauthorized', 'forbidden'])
    .nullable()
    .meta({ description: 'drill: an operator plays a rate limit.' }),
  status: z
    .int()
    .nullable()
    .meta({ description: 'What upstream answered; what a drill plays that it did.' }),
  coolingUntil: time.nullable(),
  remainingMs: count.nullable(),
});

export const keySchema = stateFields
  .extend({
    provider: z.string(),
    providerType: z.string(),
    position: count.meta({ description: 'From 0, in the order of preference.' }),
    ...named,
    account: z.string().nullable().meta({
      description: 'Whose limits it shares with other keys; null: nobody has said.',
    }),
    changedAt: time.nullable().meta({ description: 'Null: never marked.' }),
    models: z
      .array(stateFields.extend({ model: z.string() }))
      .meta({ description: 'Only the models that the key is sidelined for.' }),
  })
  .meta({ id: 'Key', description: 'A pool key and what it is good for right now.' });

export const keysAnswerSchema = z.object({ items: z.array(keySchema) }).meta({ id: 'Keys' });

const keyEventSchema = z
  .object({
    id: z.uuid(),
    at: time,
    provider: z.string(),
    ...named,
    model: z.string().nullable().meta({ description: 'Null: the whole key.' }),
    previousState: z.string().meta({ examples: ['valid'] }),
    state: z.string().meta({ examples: ['temporary'] }),
    reason: z.string().meta({ examples: ['rate_limited', 'drill', 'operator_reset'] }),
    status: stateFields.shape.status,
    cooldownMs: count.nullable(),
    coolingUntil: time.nullable(),
    actor: z.string().nullable().meta({ description: 'The operator who asked for it.' }),
  })
  .meta({ id: 'KeyEvent', description: 'A change of the state of a key.' });

export const keyEventPageSchema = z
  .object({
    items: z.array(keyEventSchema),
    nextCursor: z.string().nullable().meta(MEANING.nextCursor),
  })
  .meta({ id: 'KeyEventPage' });

type StateFields = z.infer<typeof stateFields>;
export type KeyItem = z.infer<typeof keySchema>;
export type KeysAnswer = z.infer<typeof keysAnswerSchema>;
type KeyEventItem = z.infer<typeof keyEventSchema>;
export type KeyEventPage = z.infer<typeof keyEventPageSchema>;

export interface KeyOwner {
  readonly provider: string;
  readonly providerType: string;
}

export function keyItem({ provider, providerType }: KeyOwner, key: KeySnapshot): KeyItem {
  const { position, hint, fingerprint, account, state, changedAtMs, models } = key;
  return {
    provider,
    providerType,
    position,
    hint,
    fingerprint,
    account: account ?? null,
    ...stateOf(state),
    changedAt: timeOrNull(changedAtMs),
    models: models.map(({ model, state: of }) => ({ model, ...stateOf(of) })),
  };
}

export function keyEventItem(event: KeyEvent): KeyEventItem {
  const { id, provider, fingerprint, hint, previousState, state, reason, status, actor } = event;
  return {
    id,
    at: new Date(event.atMs).toISOString(),
    provider,
    fingerprint,
    hint,
    model: event.scope,
    previousState,
    state,
    reason,
    status,
    cooldownMs: event.cooldownMs,
    coolingUntil: timeOrNull(event.coolingUntilMs),
    actor,
  };
}

export function stateOf(state: KeyState): StateFields {
  const isCooling = state.kind === 'temporary';
  return {
    state: state.kind,
    reason: state.kind === 'valid' ? null : state.reason,
    status: state.kind === 'valid' ? null : state.status,
    coolingUntil: isCooling ? timeOrNull(state.untilMs) : null,
    remainingMs: isCooling ? state.remainingMs : null,
  };
}

export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
