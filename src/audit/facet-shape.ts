import { z } from 'zod';
import { choice, text, whole } from './parameter.ts';

const FACETS = ['initiators', 'providers', 'models', 'clients', 'tools'] as const;
export type Facet = (typeof FACETS)[number];
export const facetSchema = choice(FACETS);

export const facetQuerySchema = z.strictObject({
  prefix: text.optional().meta({ description: 'How the values begin; upper or lower case.' }),
  limit: whole(1, 1_000).default(100),
});
export type FacetQuery = z.infer<typeof facetQuerySchema>;

export const facetAnswerSchema = z
  .object({ items: z.array(z.string()) })
  .meta({ id: 'Facet', description: 'Values for a picker, in alphabetical order.' });
export type FacetAnswer = z.infer<typeof facetAnswerSchema>;
