import { z } from 'zod';

export const JSON_TYPE = 'application/json';

/** One endpoint, in the schemas that its controller checks and answers with; the document is made of nothing else. */
export interface Operation {
  /** What generated clients call it. */
  readonly id: string;
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: Readonly<Record<string, z.ZodType>>;
  readonly query?: z.ZodObject;
  readonly headers?: Readonly<Record<string, z.ZodType>>;
  /** What a 200 carries, by media type. */
  readonly answers: Readonly<Record<string, z.ZodType>>;
  readonly errors: readonly (keyof typeof ERRORS)[];
}

export const ERRORS = {
  400: 'A parameter is unknown or malformed; `details` names each.',
  401: 'Nobody vouches for the sender.',
  403: 'The caller may not do this.',
  404: 'It does not exist, or is not for the caller to see.',
  409: 'What it is now does not allow that; `message` says why.',
  429: 'Too many of these are open.',
  503: 'The database is not available, or there is too much to read; `message` says which.',
} as const;

export const errorSchema = z
  .object({
    statusCode: z.int().meta({ examples: [400] }),
    error: z.string().meta({ examples: ['Bad Request'] }),
    message: z.string().meta({ examples: ['colour: is not a known parameter'] }),
    details: z
      .array(z.unknown())
      .optional()
      .meta({ examples: [[{ parameter: 'colour', message: 'is not a known parameter' }]] }),
  })
  .meta({ id: 'ApiError', description: 'What every failure looks like.' });
