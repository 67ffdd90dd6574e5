import { z } from 'zod';
import { anyOf, text, whole } from '../openapi/index.ts';

const PROVIDER = {
  description: 'The provider’s configured name.',
  examples: ['anthropic'],
};
const FINGERPRINT = {
  description: 'First 12 hex digits of the SHA-256 of the key.',
  examples: ['8d969eef6eca'],
};

/** What names a key in a path. */
export const keyName = { provider: text.meta(PROVIDER), fingerprint: text.meta(FINGERPRINT) };

export const keysQuery = z.strictObject({ provider: anyOf(text).optional().meta(PROVIDER) });

export const keyEventsQuery = z.strictObject({
  provider: anyOf(text).optional().meta(PROVIDER),
  fingerprint: anyOf(text).optional().meta(FINGERPRINT),
  limit: whole(1, 1_000).default(50).meta({ description: 'Items of a page.' }),
  cursor: z
    .guid('is not a cursor that this API has given out')
    .optional()
    .meta({
      description: 'The `nextCursor` of the page before.',
      examples: ['019a3b5c-7d00-7000-8000-3f2a1b0c9d8e'],
    }),
});

export type KeysQuery = z.infer<typeof keysQuery>;
export type KeyEventsQuery = z.infer<typeof keyEventsQuery>;
