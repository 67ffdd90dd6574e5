import { z } from 'zod';
import { EXAMPLE_ID } from '../../openapi/index.ts';

const VERSION = '1';
const ENCODED = /^1:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** Where the next page begins: after the record with this id. Callers pass it back as it is. */
export function encodeCursor(id: string): string {
  return Buffer.from(`${VERSION}:${id}`).toString('base64url');
}

/**
 * Parses to the id that the cursor stands for. The id itself will do as well, so that an export
 * that was cut off goes on after the last record that arrived.
 */
export const cursorSchema = z.string('must be given once').transform((cursor, context) => {
  const id = ENCODED.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
  if (id !== undefined) return id;
  if (z.guid().safeParse(cursor).success) return cursor;
  context.addIssue('is not a cursor that this API has given out');
  return z.NEVER;
});

const EXAMPLES = [encodeCursor(EXAMPLE_ID)];

export const pageCursorSchema = cursorSchema
  .optional()
  .meta({ description: 'The `nextCursor` of the page before.', examples: EXAMPLES });
