import { JSON_TYPE, type Operation } from '../../openapi/index.ts';
import { READING } from '../question/answer-parts.ts';
import { interceptionIdSchema, listQuerySchema } from '../question/interception-filter.ts';
import { interceptionDetailSchema, interceptionPageSchema } from './interception-shape.ts';

export const LIST_INTERCEPTIONS: Operation = {
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
};

export const GET_INTERCEPTION: Operation = {
  id: 'getInterception',
  method: 'get',
  path: '/api/v1/interceptions/{id}',
  summary: 'One interception with all that belongs to it',
  parameters: { id: interceptionIdSchema },
  answers: { [JSON_TYPE]: interceptionDetailSchema },
  errors: [...READING, 404],
};
