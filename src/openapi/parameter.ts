import { z } from 'zod';

const VALUES_MAX = 50;
const VALUE_LENGTH_MAX = 512;

const ONCE = 'must be given once';

/** Says what is wrong with a value, or that there is more than one. */
function wrong(message: string) {
  const error = ({ input }: { readonly input?: unknown }): string =>
    Array.isArray(input) ? ONCE : message;
  return { error };
}

/** PostgreSQL has no text with a NUL in it. */
export const text = z
  .string(ONCE)
  .regex(/^[^\0]+$/, 'must not be empty or contain NUL')
  .max(VALUE_LENGTH_MAX, `must not be longer than ${VALUE_LENGTH_MAX} characters`);

export function whole(min: number, max: number) {
  const error = wrong(`must be a whole number from ${min} to ${max}`);
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value),
    z.int(error).min(min, error).max(max, error),
  );
}

export function flag() {
  return z.preprocess(
    (value) => (value === 'true' ? true : value === 'false' ? false : value),
    z.boolean(wrong('must be true or false')),
  );
}

export function choice<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, wrong(`must be one of ${values.join(', ')}`));
}

/** What PostgreSQL can compare with, in four digits also after the move to UTC. */
const EARLIEST_MS = Date.parse('0001-01-01');
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** A time, or a day that stands for its first instant. */
export const time = z
  .union(
    [z.iso.datetime({ offset: true }), z.iso.date()],
    wrong('must be an ISO 8601 time such as 2026-11-01T00:00:00Z, or a day; + is written %2B'),
  )
  .refine(
    (at) => Date.parse(at) >= EARLIEST_MS && Date.parse(at) <= LATEST_MS,
    'must be within the years 1 to 9999',
  )
  .meta({ examples: ['2026-11-01T00:00:00Z'] });

/** A parameter that may be repeated: any of its values will do. */
export function anyOf<Item extends z.ZodType>(item: Item) {
  return z.preprocess(
    (value) => (Array.isArray(value) ? value : [value]),
    z.array(item).max(VALUES_MAX, `must not be given more than ${VALUES_MAX} times`),
  );
}

/** For routes that take no parameters, so that one given by mistake is named and not ignored. */
export const noParameters = z.strictObject({});
export type NoParameters = z.infer<typeof noParameters>;
