import { z } from 'zod';
import { anyOf, EXAMPLE_ID, flag, MEANING, text, whole } from '../openapi/index.ts';

/** What names a key in a path. */
export const keyName = {
  provider: text.meta(MEANING.provider),
  fingerprint: text.meta(MEANING.fingerprint),
};

export const keysQuery = z.strictObject({
  provider: anyOf(text).optional().meta(MEANING.provider),
});

export const keyExplanationQuery = z.strictObject({
  provider: text.meta(MEANING.provider),
  model: text.optional().meta({
    description: 'The model that is called; left out: a call that names none.',
    examples: ['claude-opus-4-5'],
  }),
});

export const keyDrillQuery = z.strictObject({
  model: text.optional().meta({
    description:
      'The model of the call that seems to be limited; left out: all calls. With ' +
      'AIBRIDGE_COOLDOWN_SCOPE=key it is all calls anyway.',
    examples: ['claude-opus-4-5'],
  }),
  seconds: whole(1, 300).default(30).meta({ description: 'When it is over, whatever happens.' }),
  force: flag().default(false).meta({ description: 'Also when no other key is left then.' }),
});

export const keyEventsQuery = z.strictObject({
  provider: anyOf(text).optional().meta(MEANING.provider),
  fingerprint: anyOf(text).optional().meta(MEANING.fingerprint),
  limit: whole(1, 1_000).default(50).meta(MEANING.pageLimit),
  cursor: z
    .guid('is not a cursor that this API has given out')
    .optional()
    .meta({
      description: 'The `nextCursor` of the page before.',
      examples: [EXAMPLE_ID],
    }),
});

export type KeysQuery = z.infer<typeof keysQuery>;
export type KeyExplanationQuery = z.infer<typeof keyExplanationQuery>;
export type KeyDrillQuery = z.infer<typeof keyDrillQuery>;
export type KeyEventsQuery = z.infer<typeof keyEventsQuery>;
