/** What may be printed of a key: first and last four of 20 characters or more, otherwise less. */
export function maskedKey(key: string | null): string {
  if (key === null) return '(no key)';
  if (key.length >= 20) return `${key.slice(0, 4)}...${key.slice(-4)}`;
  const shown = key.length >= 10 ? 2 : 1;
  return key.length >= 5 ? `${key.slice(0, shown)}...${key.slice(-shown)}` : '...';
}
