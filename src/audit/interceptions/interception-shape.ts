import { z } from 'zod';
import { API_NAMES } from '../../core/api-name.ts';
import { MEANING } from '../../openapi/index.ts';
import { count, credential, nextCursor, tokens } from '../question/answer-parts.ts';

const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC, to the millisecond.' });

/** Contract §4: one interception as lists show it. Types and documentation come from here. */
export const interceptionSchema = z
  .object({
    id: z.uuid().meta({ description: 'UUID v7, so ids are in the order of time.' }),
    startedAt: time,
    endedAt: time.nullable(),
    durationMs: count.nullable(),
    initiator: z.object({ id: z.string(), metadata: z.record(z.string(), z.string()) }),
    provider: z.object({ type: z.string(), name: z.string() }),
    model: z.string().meta({ description: 'As the provider was asked for it.' }),
    requestedModel: z.string().meta({ description: 'As the caller asked for it.' }),
    servedModel: z
      .string()
      .nullable()
      .meta({ description: 'As the answer names it; null: it names none, or none came.' }),
    purpose: z.string().meta(MEANING.purpose),
    api: z.enum(API_NAMES),
    route: z.string(),
    method: z.string(),
    streaming: z.boolean(),
    client: z.string(),
    userAgent: z.string(),
    sessionId: z.string().nullable(),
    threadRootId: z
      .uuid()
      .nullable()
      .meta({ description: 'The first interception of the chain of tool calls that led here.' }),
    threadParentId: z
      .uuid()
      .nullable()
      .meta({ description: 'The interception whose tool call this request answers.' }),
    credential,
    status: z.enum(['in_progress', 'completed', 'failed', 'aborted', 'interrupted']).meta({
      description:
        'aborted: the client went away. interrupted: the bridge process died before the end.',
    }),
    error: z.object({ type: z.string(), message: z.string() }).nullable(),
    upstreamStatus: z.int().nullable(),
    attemptCount: count,
    failedOver: z.boolean().meta({ description: 'More than one key was tried.' }),
    tokens,
    usageSource: z
      .enum(['provider', 'partial', 'none'])
      .meta({ description: 'What the token counts rest on.' }),
    firstByteMs: count.nullable(),
    overheadMs: z
      .number()
      .nullable()
      .meta({ description: 'Time that the bridge itself took, in milliseconds.' }),
  })
  .meta({ id: 'Interception' });

const attempt = z
  .object({
    ordinal: z.int().min(1),
    turn: z.int().min(1),
    credential,
    status: z.int().nullable(),
    outcome: z.enum([
      'served',
      'relayed_error',
      'rate_limited',
      'quota_exhausted',
      'unauthorized',
      'forbidden',
      'server_error',
      'transport_error',
      'timeout',
      'aborted',
      'interrupted',
      'in_progress',
    ]),
    cooldownMs: count.nullable(),
    startedAt: time,
    durationMs: count.nullable().meta({ description: 'Null while it is under way.' }),
    error: z.string().nullable(),
  })
  .meta({ id: 'Attempt', description: 'One upstream call.' });

const messageId = z
  .string()
  .nullable()
  .meta({ description: 'The provider’s id of the answer this belongs to.' });

const tokenUsage = tokens
  .extend({ messageId, extra: z.record(z.string(), z.number()), createdAt: time })
  .meta({ id: 'TokenUsage' });

const prompt = z
  .object({
    messageId,
    text: z.string(),
    source: z
      .enum(['user', 'machine'])
      .meta({ description: 'Whose words: the person’s, or what a client put beside them.' }),
    createdAt: time,
  })
  .meta({ id: 'Prompt' });

const toolUsage = z
  .object({
    messageId,
    toolCallId: z.string().nullable(),
    tool: z.string(),
    serverUrl: z.string().nullable(),
    input: z
      .string()
      .nullable()
      .meta({ description: 'As the model wrote it: JSON, or a plain string.' }),
    injected: z
      .boolean()
      .meta({ description: 'The bridge offered the tool and called it itself.' }),
    error: z.string().nullable(),
    durationMs: count.nullable().meta({
      description: 'How long the bridge ran it. Null of tools that it did not, and while it runs.',
    }),
    resultBytes: count.nullable().meta({ description: 'How large the result was.' }),
    createdAt: time,
  })
  .meta({ id: 'ToolUsage' });

const thought = z
  .object({
    source: z.enum(['thinking', 'reasoning_summary', 'commentary']),
    text: z.string(),
    createdAt: time,
  })
  .meta({ id: 'Thought' });

export const interceptionDetailSchema = interceptionSchema
  .extend({
    contentMode: z.enum(['full', 'hash', 'none']).meta({
      description:
        'How texts were recorded: as they are, as `sha256:…`, or not at all (empty strings).',
    }),
    notes: z.array(z.string()).meta({ description: 'What could not be read or recorded.' }),
    attempts: z.array(attempt),
    tokenUsages: z.array(tokenUsage),
    prompts: z.array(prompt),
    toolUsages: z.array(toolUsage),
    thoughts: z.array(thought),
  })
  .meta({ id: 'InterceptionDetail' });

export const interceptionPageSchema = z
  .object({
    items: z.array(interceptionSchema),
    nextCursor,
    total: count.optional(),
    notice: z.string().optional().meta({ description: 'What the answer cannot know.' }),
  })
  .meta({ id: 'InterceptionPage' });

export type InterceptionPage = z.infer<typeof interceptionPageSchema>;
export type Interception = z.infer<typeof interceptionSchema>;
export type InterceptionDetail = z.infer<typeof interceptionDetailSchema>;
export type Attempt = z.infer<typeof attempt>;
export type TokenUsage = z.infer<typeof tokenUsage>;
export type Prompt = z.infer<typeof prompt>;
export type ToolUsage = z.infer<typeof toolUsage>;
export type Thought = z.infer<typeof thought>;
