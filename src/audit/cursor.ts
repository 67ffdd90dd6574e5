import { z } from 'zod';

const VERSION = '1';
const DECODED = /^1:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** Where the next page begins: after the record with this id. Callers pass it back as it is. */
export function encodeCursor(id: string): string {
  return Buffer.from(`${VERSION}:${id}`).toString('base64url');
}

function decodeCursor(cursor: string): string | undefined {
  return DECODED.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
}

/** Parses to the id that the cursor stands for. */
export const cursorSchema = z.string().transform((cursor, context) => {
  const id = decodeCursor(cursor);
  if (id !== undefined) return id;
  context.addIssue('is not a cursor that this API has given out');
  return z.NEVER;
});
