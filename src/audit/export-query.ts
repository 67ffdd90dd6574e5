import { z } from 'zod';
import { cursorSchema } from './cursor.ts';
import { filterSchema } from './interception-filter.ts';
import { choice } from './parameter.ts';

export const exportQuerySchema = filterSchema.extend({
  format: choice(['ndjson', 'csv']).default('ndjson'),
  cursor: cursorSchema.optional().meta({
    description:
      'Goes on after this record: the id of the last one received, or a `nextCursor`. ' +
      'A CSV then begins without its header, so that it can be appended.',
  }),
});
export type ExportQuery = z.infer<typeof exportQuerySchema>;
