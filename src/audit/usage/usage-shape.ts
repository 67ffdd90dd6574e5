import { z } from 'zod';
import { choice, time, whole } from '../../openapi/index.ts';
import { filterSchema } from '../question/interception-filter.ts';

const GROUPS_MAX = 10_000;
const DIMENSIONS = [
  'initiator',
  'provider',
  'model',
  'client',
  'credential',
  'hour',
  'day',
  'month',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** `groupBy=model&groupBy=day` and `groupBy=model,day` are the same. */
const groupBy = z
  .preprocess(
    (value) => (Array.isArray(value) ? value : [value]).flatMap((item) => String(item).split(',')),
    z.array(choice(DIMENSIONS)),
  )
  .optional()
  .meta({
    description: 'What to sum by, in UTC; repeated or separated by commas. None: one sum of all.',
    examples: [['model', 'day']],
  });

export const usageQuerySchema = filterSchema
  .pick({
    initiator: true,
    provider: true,
    model: true,
    client: true,
    credentialKind: true,
    credentialHint: true,
    credentialFingerprint: true,
    startedBefore: true,
  })
  .extend({
    startedAfter: time.optional().meta({
      description:
        'Started at this time or later. What is no whole hour is read from the records, ' +
        'so it is exact for as long as they are kept.',
      examples: ['2026-11-01T00:00:00Z'],
    }),
    groupBy,
    limit: whole(1, GROUPS_MAX)
      .default(GROUPS_MAX)
      .meta({ description: 'Groups of an answer; the busiest come first, in the order of time.' }),
  });
export type UsageQuery = z.infer<typeof usageQuerySchema>;

const count = z.int().min(0);

const usageSchema = z
  .object({
    initiator: z.string().optional(),
    provider: z.string().optional(),
    model: z.string().optional(),
    client: z.string().optional(),
    credential: z
      .object({
        kind: z.enum(['centralized', 'byok']),
        hint: z.string(),
        fingerprint: z.string().nullable(),
      })
      .optional(),
    hour: z.iso.datetime().optional(),
    day: z.iso.date().optional(),
    month: z
      .string()
      .optional()
      .meta({ examples: ['2026-11'] }),
    interceptions: count.meta({ description: 'How many have ended, in whatever way.' }),
    completed: count,
    failed: count,
    aborted: count,
    interrupted: count,
    failedOver: count,
    attempts: count,
    tokens: z.object({ input: count, output: count, cacheRead: count, cacheWrite: count }),
    durationMs: count.meta({ description: 'Of all together.' }),
  })
  .meta({ id: 'Usage', description: 'Sums of one group, with what it is grouped by.' });

export const usageAnswerSchema = z
  .object({
    items: z.array(usageSchema),
    truncated: z.boolean().meta({ description: 'There are more groups than the limit.' }),
  })
  .meta({ id: 'UsageAnswer' });

export type Usage = z.infer<typeof usageSchema>;
export type UsageAnswer = z.infer<typeof usageAnswerSchema>;
