import { z } from 'zod';
import { exportQuerySchema } from './export-query.ts';
import { facetAnswerSchema, facetQuerySchema, facetSchema } from './facet-shape.ts';
import { filterSchema, listQuerySchema } from './interception-filter.ts';
import { interceptionDetailSchema, interceptionPageSchema } from './interception-shape.ts';
import { meSchema } from './me-shape.ts';
import type { Operation } from './openapi-document.ts';
import {
  sessionDetailSchema,
  sessionPageSchema,
  sessionQuerySchema,
  sessionsQuerySchema,
} from './session-shape.ts';
import { usageAnswerSchema, usageQuerySchema } from './usage-shape.ts';

const JSON_TYPE = 'application/json';
const READING = [400, 401, 503] as const;

/** Every endpoint of the audit, for the document that describes them. */
export const AUDIT_OPERATIONS: readonly Operation[] = [
  {
    path: '/api/v1/interceptions',
    summary: 'Interceptions, newest first',
    description:
      'Repeat a parameter for OR; different ones narrow together. Following `nextCursor` to the end ' +
      'shows every record that was there at the beginning exactly once, while others arrive: those ' +
      'stand before the first page. A member sees their own records only.',
    query: listQuerySchema,
    answers: { [JSON_TYPE]: interceptionPageSchema },
    errors: READING,
  },
  {
    path: '/api/v1/interceptions/{id}',
    summary: 'One interception with all that belongs to it',
    parameters: { id: z.uuid() },
    answers: { [JSON_TYPE]: interceptionDetailSchema },
    errors: [...READING, 404],
  },
  {
    path: '/api/v1/interceptions/export',
    summary: 'All interceptions that match, streamed',
    description:
      'One JSON object a line, or CSV. An answer that was cut off is not ended properly; it goes on ' +
      'with the id of the last record received as `cursor`.',
    query: exportQuerySchema,
    answers: { 'application/x-ndjson': z.string(), 'text/csv': z.string() },
    errors: READING,
  },
  {
    path: '/api/v1/interceptions/live',
    summary: 'Interceptions as they end, as server-sent events',
    description:
      'Events `interception`, in the order in which they ended on all replicas. After a break, ' +
      'Last-Event-ID goes on without gap or repetition; an event `gap` says when it cannot.',
    query: filterSchema,
    headers: { 'Last-Event-ID': z.string().meta({ description: 'The id of the last event had.' }) },
    answers: { 'text/event-stream': z.string() },
    errors: [...READING, 429],
  },
  {
    path: '/api/v1/sessions',
    summary: 'Conversations, the one that began last first',
    description: 'Those with a record that matches, with the sums of all their records.',
    query: sessionsQuerySchema,
    answers: { [JSON_TYPE]: sessionPageSchema },
    errors: READING,
  },
  {
    path: '/api/v1/sessions/{id}',
    summary: 'One conversation in threads, oldest first',
    parameters: { id: z.string() },
    query: sessionQuerySchema,
    answers: { [JSON_TYPE]: sessionDetailSchema },
    errors: [...READING, 404],
  },
  {
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
    path: '/api/v1/facets/{facet}',
    summary: 'Values that a filter can have',
    parameters: { facet: facetSchema },
    query: facetQuerySchema,
    answers: { [JSON_TYPE]: facetAnswerSchema },
    errors: READING,
  },
  {
    path: '/api/v1/me',
    summary: 'Who the caller is and may do',
    answers: { [JSON_TYPE]: meSchema },
    errors: [401],
  },
];
