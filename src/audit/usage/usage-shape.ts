import { z } from 'zod';
import { choice, time, whole } from '../../openapi/index.ts';
import { count, credential, tokens } from '../question/answer-parts.ts';
import { filterSchema } from '../question/interception-filter.ts';

const GROUPS_MAX = 10_000;
const DIMENSIONS = [
  'initiator',
  'provider',
  'model',
  'servedModel',
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
    servedModel: true,
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

const usageSchema = z
  .object({
    initiator: z.string().optional(),
    provider: z.string().optional(),
    model: z.string().optional(),
    servedModel: z.string().nullable().optional(),
    client: z.string().optional(),
    credential: credential.optional(),
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
    tokens,
    durationMs: count.meta({ description: 'Of all together.' }),
  })
  .meta({ id: 'Usage', description: 'Sums of one group, with what it is grouped by.' });

export const usageAnswerSchema = z
  .object({
    items: z.array(usageSchema),
    truncated: z.boolean().meta({ description: 'There are more groups than the limit.' }),
    notice: z.string().optional().meta({ description: 'What the answer cannot know.' }),
  })
  .meta({ id: 'UsageAnswer' });

export type Usage = z.infer<typeof usageSchema>;
export type UsageAnswer = z.infer<typeof usageAnswerSchema>;
