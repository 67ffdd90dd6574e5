import type { AuditConfig } from '../../config/index.ts';

/** What a search through prompts cannot find because of how this bridge records them. */
export function searchNotice({
  content,
  contentRetentionMs,
}: Pick<AuditConfig, 'content' | 'contentRetentionMs'>): string | undefined {
  if (content === 'none') return 'Prompts are not recorded now: only older ones can be found.';
  if (content === 'hash') {
    return 'Prompts are recorded as hashes now: only those recorded in full before can be found.';
  }
  if (contentRetentionMs === 0) return undefined;
  const days = Math.round(contentRetentionMs / 86_400_000);
  return `Prompts are purged after ${days} days and cannot be found from then on.`;
}
