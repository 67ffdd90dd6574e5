import { JSON_TYPE, type Operation } from '../../openapi/index.ts';
import { READING } from '../question/answer-parts.ts';
import { facetAnswerSchema, facetQuerySchema, facetSchema } from './facet-shape.ts';

export const LIST_FACET: Operation = {
  id: 'listFacet',
  method: 'get',
  path: '/api/v1/facets/{facet}',
  summary: 'Values that a filter can have',
  parameters: { facet: facetSchema },
  query: facetQuerySchema,
  answers: { [JSON_TYPE]: facetAnswerSchema },
  errors: READING,
};
