import { z } from 'zod';
import type { Operation } from '../openapi/index.ts';
import { exportQuerySchema } from './export/export-query.ts';
import { facetAnswerSchema, facetQuerySchema, facetSchema } from './facets/facet-shape.ts';
import {
  filterSchema,
  interceptionIdSchema,
  listQuerySchema,
} from './question/interception-filter.ts';
import {
  interceptionDetailSchema,
  interceptionPageSchema,
} from './interceptions/interception-shape.ts';
import { meSchema } from './me/me-shape.ts';
import {
  sessionDetailSchema,
  sessionIdSchema,
  sessionPageSchema,
  sessionQuerySchema,
  sessionsQuerySchema,
} from './sessions/session-shape.ts';
import { usageAnswerSchema, usageQuerySchema } from './usage/usage-shape.ts';

const JSON_TYPE = 'application/json';
const READING = [400, 401, 503] as const;
const ID = '019a3b5c-7d00-7000-8000-3f2a1b0c9d8e';
const EVENT_ID = `41-${ID}`;

const lastEventId = z
  .string()
  .meta({ description: 'The id of the last event that came.', examples: [EVENT_ID] });

/** Every endpoint of the audit, for the document that describes them. */
export const AUDIT_OPERATIONS: readonly Operation[] = [
  {
    id: 'listInterceptions',
    method: 'get',
    path: '/api/v1/interceptions',
    summary: 'Interceptions, newest first',
    description:
      'Repeat a parameter for OR; different ones narrow together. Following `nextCursor` to the end ' +
      'shows every record that was there at the beginning exactly once, for as long as it matches; ' +
      'one that is written meanwhile may be met or not. A member sees their own records only.',
    query: listQuerySchema,
    answers: { [JSON_TYPE]: interceptionPageSchema },
    errors: READING,
  },
  {
    id: 'getInterception',
    method: 'get',
    path: '/api/v1/interceptions/{id}',
    summary: 'One interception with all that belongs to it',
    parameters: { id: interceptionIdSchema },
    answers: { [JSON_TYPE]: interceptionDetailSchema },
    errors: [...READING, 404],
  },
  {
    id: 'exportInterceptions',
    method: 'get',
    path: '/api/v1/interceptions/export',
    summary: 'All interceptions that match, streamed',
    description:
      'One JSON object a line, or CSV. An answer that was cut off is not ended properly; it goes on ' +
      'with the id of the last record received as `cursor`.',
    query: exportQuerySchema,
    answers: {
      'application/x-ndjson': z.string().meta({ description: 'An Interception a line.' }),
      'text/csv': z.string().meta({ description: 'A header, and a row for each interception.' }),
    },
    errors: [...READING, 429],
  },
  {
    id: 'watchInterceptions',
    method: 'get',
    path: '/api/v1/interceptions/live',
    summary: 'Interceptions as they end, as server-sent events',
    description:
      'Events `interception`, in the order in which they ended on all replicas. After a break, ' +
      'Last-Event-ID goes on without gap or repetition; an event `gap` says when it cannot.',
    query: filterSchema,
    headers: { 'Last-Event-ID': lastEventId },
    answers: {
      'text/event-stream': z.string().meta({
        description: 'The data of an event `interception` is an Interception.',
        examples: [`id: ${EVENT_ID}\nevent: interception\ndata: {"id":"${ID}", ...}\n\n`],
      }),
    },
    errors: [...READING, 429],
  },
  {
    id: 'listSessions',
    method: 'get',
    path: '/api/v1/sessions',
    summary: 'Conversations, the one that began last first',
    description: 'Those with a record that matches, with the sums of all their records.',
    query: sessionsQuerySchema,
    answers: { [JSON_TYPE]: sessionPageSchema },
    errors: READING,
  },
  {
    id: 'getSession',
    method: 'get',
    path: '/api/v1/sessions/{id}',
    summary: 'One conversation in threads, oldest first',
    parameters: { id: sessionIdSchema },
    query: sessionQuerySchema,
    answers: { [JSON_TYPE]: sessionDetailSchema },
    errors: [...READING, 404],
  },
  {
    id: 'getUsage',
    method: 'get',
    path: '/api/v1/usage',
    summary: 'Sums and counts of what has ended, by any grouping',
    description:
      'Exact as soon as a record has ended, and kept when records are purged. A record counts in ' +
      'the time in which it started.',
    query: usageQuerySchema,
    answers: { [JSON_TYPE]: usageAnswerSchema },
    errors: READING,
  },
  {
    id: 'listFacet',
    method: 'get',
    path: '/api/v1/facets/{facet}',
    summary: 'Values that a filter can have',
    parameters: { facet: facetSchema },
    query: facetQuerySchema,
    answers: { [JSON_TYPE]: facetAnswerSchema },
    errors: READING,
  },
  {
    id: 'getMe',
    method: 'get',
    path: '/api/v1/me',
    summary: 'Who the caller is and may do',
    answers: { [JSON_TYPE]: meSchema },
    errors: [400, 401],
  },
];
