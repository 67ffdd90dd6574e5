import { z } from 'zod';
import { choice, text, whole } from '../../openapi/index.ts';

const FACETS = [
  'initiators',
  'providers',
  'models',
  'servedModels',
  'clients',
  'purposes',
  'tools',
] as const;
export type Facet = (typeof FACETS)[number];
export const facetSchema = choice(FACETS).meta({ description: 'Of what.' });

export const facetQuerySchema = z.strictObject({
  prefix: text.optional().meta({
    description: 'How the values begin; upper or lower case.',
    examples: ['claude-'],
  }),
  limit: whole(1, 1_000).default(100).meta({ description: 'At most so many values.' }),
});
export type FacetQuery = z.infer<typeof facetQuerySchema>;

export const facetAnswerSchema = z
  .object({ items: z.array(z.string()) })
  .meta({ id: 'Facet', description: 'Values for a picker, in alphabetical order.' });
export type FacetAnswer = z.infer<typeof facetAnswerSchema>;
