import { z } from 'zod';
import { count, nextCursor, tokens } from '../question/answer-parts.ts';
import { pageCursorSchema } from '../question/cursor.ts';
import { filterSchema } from '../question/interception-filter.ts';
import { interceptionSchema } from '../interceptions/interception-shape.ts';
import { text, whole } from '../../openapi/index.ts';

export const sessionsQuerySchema = filterSchema
  .omit({ session: true, text: true, textSource: true })
  .extend({
    limit: whole(1, 200).default(50).meta({ description: 'Sessions of a page.' }),
    cursor: pageCursorSchema,
  });
export type SessionsQuery = z.infer<typeof sessionsQuerySchema>;

/** The id of one, in a path. */
export const sessionIdSchema = text.meta({
  description: 'The client’s id of the conversation.',
  examples: ['5c0c5c9e'],
});

export const sessionQuerySchema = z.strictObject({
  initiator: text.optional().meta({
    description: 'Whose session; needed where several people have one with this id.',
    examples: ['alice@corp'],
  }),
  limit: whole(1, 1_000).default(200).meta({ description: 'Calls of a page, of any purpose.' }),
  cursor: pageCursorSchema,
});
export type SessionQuery = z.infer<typeof sessionQuerySchema>;

const sessionSchema = z
  .object({
    id: z.string().meta({ description: 'As the client names the conversation.' }),
    initiator: z.object({ id: z.string() }),
    startedAt: z.iso.datetime(),
    lastStartedAt: z.iso.datetime(),
    calls: count.meta({ description: 'Interceptions of any purpose.' }),
    turns: count.meta({ description: 'Those of the conversation itself: their purpose is main.' }),
    threads: count.meta({
      description: 'Chains of turns that tool calls link, each from one prompt to its end.',
    }),
    failed: count.meta({ description: 'Of all calls.' }),
    clients: z.array(z.string()),
    models: z.array(z.string()),
    credentials: z
      .array(z.string())
      .meta({ description: 'The hints of the keys that served, or were tried last.' }),
    tokens: tokens.meta({ description: 'Of all calls together.' }),
    durationMs: count.meta({ description: 'Of all calls together.' }),
  })
  .meta({ id: 'Session', description: 'One conversation of one person.' });

const turnSchema = interceptionSchema
  .extend({
    prompt: z.string().nullable().meta({ description: 'What the person wrote, as recorded.' }),
    tools: z.array(z.string()).meta({ description: 'What the model called in answer.' }),
  })
  .meta({ id: 'Turn' });

const threadSchema = z
  .object({ rootId: z.uuid(), turns: z.array(turnSchema) })
  .meta({ id: 'Thread', description: 'A prompt and the chain of tool calls that it set off.' });

export const sessionPageSchema = z
  .object({ items: z.array(sessionSchema), nextCursor })
  .meta({ id: 'SessionPage' });

export const sessionDetailSchema = sessionSchema
  .extend({
    tools: z.array(z.string()).meta({ description: 'Of the calls shown.' }),
    threads: z.array(threadSchema).meta({ description: 'Oldest first.' }),
    others: z.array(turnSchema).meta({
      description:
        'What the client called for itself meanwhile, such as titles, and what its subagents did; ' +
        '`purpose` says which. Oldest first.',
    }),
    threadCount: count,
    nextCursor: z.string().nullable().meta({ description: 'Where the next calls begin.' }),
  })
  .meta({ id: 'SessionDetail' });

export type Session = z.infer<typeof sessionSchema>;
export type SessionPage = z.infer<typeof sessionPageSchema>;
export type SessionDetail = z.infer<typeof sessionDetailSchema>;
export type Turn = z.infer<typeof turnSchema>;
export type Thread = z.infer<typeof threadSchema>;
