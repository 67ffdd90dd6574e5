/** Any thrown thing as text, for logs and records. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
