import { z } from 'zod';

const VALUES_MAX = 50;
const LIMIT = 'must be a whole number from 1 to 1000';

/** PostgreSQL has no text with a NUL in it. */
const text = z.string('must be given once').regex(/^[^\0]{1,512}$/, 'must be a short text');

/** A parameter that may be repeated: any of its values will do. */
const anyOf = z.preprocess(
  (value) => (Array.isArray(value) ? value : [value]),
  z.array(text).max(VALUES_MAX, `must not be given more than ${VALUES_MAX} times`),
);

export const keysQuery = z.strictObject({ provider: anyOf.optional() });

export const keyEventsQuery = z.strictObject({
  provider: anyOf.optional(),
  fingerprint: anyOf.optional(),
  limit: z
    .string(LIMIT)
    .regex(/^\d{1,4}$/, LIMIT)
    .transform(Number)
    .pipe(z.number().min(1, LIMIT).max(1_000, LIMIT))
    .default(50),
  /** As `nextCursor` gave it: the id of the last event of the page before. */
  cursor: z.guid('is not a cursor that this API has given out').optional(),
});

export type KeysQuery = z.infer<typeof keysQuery>;
export type KeyEventsQuery = z.infer<typeof keyEventsQuery>;
