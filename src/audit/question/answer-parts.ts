import { z } from 'zod';
import { MEANING } from '../../openapi/index.ts';

/** How a question to the database can fail, whatever it asks. */
export const READING = [400, 401, 503] as const;

export const count = z.int().min(0);

export const tokens = z
  .object({ input: count, output: count, cacheRead: count, cacheWrite: count })
  .meta({ id: 'Tokens' });

export const credential = z
  .object({
    kind: z.enum(['centralized', 'byok']).meta(MEANING.credentialKind),
    hint: z.string().meta({ description: 'The masked key. Empty: no key was tried.' }),
    fingerprint: z.string().nullable().meta(MEANING.fingerprint),
  })
  .meta({ id: 'Credential' });

export const nextCursor = z.string().nullable().meta(MEANING.nextCursor);
