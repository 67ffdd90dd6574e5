import { z } from 'zod';
import { API_NAMES } from '../../core/api-name.ts';
import { pageCursorSchema } from './cursor.ts';
import {
  anyOf,
  choice,
  EXAMPLE_ID,
  flag,
  MEANING,
  text,
  time,
  whole,
} from '../../openapi/index.ts';

const PAGE_MAX = 1_000;
const PAGE_DEFAULT = 50;

/** What lists, export and live tail can be narrowed by. A repeated parameter means OR, different ones AND. */
const filterShape = {
  initiator: anyOf(text)
    .optional()
    .meta({ description: 'Who called.', examples: ['alice@corp'] }),
  provider: anyOf(text).optional().meta(MEANING.provider),
  providerType: anyOf(text)
    .optional()
    .meta({ description: 'The kind of provider.', examples: ['anthropic'] }),
  model: anyOf(text)
    .optional()
    .meta({ description: 'The model that the request was for.', examples: ['claude-opus-4-5'] }),
  servedModel: anyOf(text)
    .optional()
    .meta({
      description: 'The model that the answer named.',
      examples: ['claude-opus-4-5-20251101'],
    }),
  purpose: anyOf(text).optional().meta(MEANING.purpose),
  client: anyOf(text)
    .optional()
    .meta({ description: 'The program that called.', examples: ['Claude Code'] }),
  session: anyOf(text)
    .optional()
    .meta({ description: 'The client’s id of a conversation.', examples: ['5c0c5c9e'] }),
  api: anyOf(choice(API_NAMES))
    .optional()
    .meta({ description: 'The wire format; passthrough is any that is not read.' }),
  status: anyOf(choice(['in_progress', 'completed', 'failed', 'aborted', 'interrupted']))
    .optional()
    .meta({
      description:
        'How it ended. aborted: the client went away. interrupted: the bridge process died.',
    }),
  errorType: anyOf(text)
    .optional()
    .meta({
      description: 'The `type` of its error: the provider’s, or one of the bridge’s own.',
      examples: ['keys_rate_limited'],
    }),
  credentialKind: anyOf(choice(['centralized', 'byok']))
    .optional()
    .meta(MEANING.credentialKind),
  credentialHint: anyOf(text).optional().meta(MEANING.hint),
  credentialFingerprint: anyOf(text).optional().meta(MEANING.fingerprint),
  tool: anyOf(text)
    .optional()
    .meta({ description: 'A tool that the model called.', examples: ['Bash'] }),
  streaming: flag()
    .optional()
    .meta({ description: 'Whether the answer was asked for as a stream.' }),
  failedOver: flag().optional().meta({ description: 'Whether more than one key was tried.' }),
  startedAfter: time.optional().meta({ description: 'Started at this time or later.' }),
  startedBefore: time.optional().meta({ description: 'Started before this time.' }),
  minTokens: whole(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({ description: 'At least so many tokens, of all kinds together.', examples: [100_000] }),
  minDurationMs: whole(0, 2 ** 31 - 1)
    .optional()
    .meta({ description: 'Took at least so long.', examples: [30_000] }),
  text: text.optional().meta({
    description:
      'Full text over prompts: words all of which occur, "a phrase", or, -without. ' +
      'Finds only prompts that were recorded in full (AIBRIDGE_AUDIT_CONTENT=full) and not purged.',
    examples: ['"connection pool" -test'],
  }),
  textSource: choice(['user', 'all'])
    .optional()
    .meta({
      description:
        'Where `text` is looked for: in what people wrote, as by default, or also in what clients ' +
        'put beside it.',
    }),
};

/** The id of one, in a path. */
export const interceptionIdSchema = z.guid('must be the id of an interception').meta({
  description: 'As in `x-aibridge-interception-id` of the answer that the caller got.',
  examples: [EXAMPLE_ID],
});

export const filterSchema = z.strictObject(filterShape);
export type InterceptionFilter = z.infer<typeof filterSchema>;

export const listQuerySchema = z.strictObject({
  ...filterShape,
  limit: whole(1, PAGE_MAX).default(PAGE_DEFAULT).meta(MEANING.pageLimit),
  cursor: pageCursorSchema,
  count: flag()
    .default(false)
    .meta({ description: 'Adds `total`, the number of all that match. Costs a count.' }),
});
export type ListQuery = z.infer<typeof listQuerySchema>;
