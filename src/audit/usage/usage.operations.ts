import { JSON_TYPE, type Operation } from '../../openapi/index.ts';
import { READING } from '../question/answer-parts.ts';
import { usageAnswerSchema, usageQuerySchema } from './usage-shape.ts';

export const GET_USAGE: Operation = {
  id: 'getUsage',
  method: 'get',
  path: '/api/v1/usage',
  summary: 'Sums and counts of what has ended, by any grouping',
  description:
    'Exact as soon as a record has ended, and kept when records are purged. A record counts in ' +
    'the time in which it started. Of more than 100 different combinations of provider, model, ' +
    'served model, client and credential that one person uses on a day (1,000 for everybody ' +
    'together), those that came last count under the model `other`.',
  query: usageQuerySchema,
  answers: { [JSON_TYPE]: usageAnswerSchema },
  errors: READING,
};
