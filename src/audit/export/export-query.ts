import { z } from 'zod';
import { cursorSchema } from '../question/cursor.ts';
import { filterSchema } from '../question/interception-filter.ts';
import { choice, EXAMPLE_ID } from '../../openapi/index.ts';

export const exportQuerySchema = filterSchema.extend({
  format: choice(['ndjson', 'csv'])
    .default('ndjson')
    .meta({ description: 'One JSON object a line, or a table for spreadsheets.' }),
  cursor: cursorSchema.optional().meta({
    description:
      'Goes on after this record: the id of the last one received, or a `nextCursor`. ' +
      'A CSV then begins without its header, so that it can be appended.',
    examples: [EXAMPLE_ID],
  }),
});
export type ExportQuery = z.infer<typeof exportQuerySchema>;
