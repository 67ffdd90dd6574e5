import { JSON_TYPE, type Operation } from '../../openapi/index.ts';
import { READING } from '../question/answer-parts.ts';
import {
  sessionDetailSchema,
  sessionIdSchema,
  sessionPageSchema,
  sessionQuerySchema,
  sessionsQuerySchema,
} from './session-shape.ts';

export const LIST_SESSIONS: Operation = {
  id: 'listSessions',
  method: 'get',
  path: '/api/v1/sessions',
  summary: 'Conversations, the one that began last first',
  description: 'Those with a record that matches, with the sums of all their records.',
  query: sessionsQuerySchema,
  answers: { [JSON_TYPE]: sessionPageSchema },
  errors: READING,
};

export const GET_SESSION: Operation = {
  id: 'getSession',
  method: 'get',
  path: '/api/v1/sessions/{id}',
  summary: 'One conversation in threads, oldest first',
  parameters: { id: sessionIdSchema },
  query: sessionQuerySchema,
  answers: { [JSON_TYPE]: sessionDetailSchema },
  errors: [...READING, 404],
};
