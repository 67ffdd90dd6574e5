import { z } from 'zod';
import type { Operation } from '../../openapi/index.ts';
import { READING } from '../question/answer-parts.ts';
import { exportQuerySchema } from './export-query.ts';

export const EXPORT_INTERCEPTIONS: Operation = {
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
};
