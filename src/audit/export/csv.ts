import type { Interception } from '../interceptions/interception-shape.ts';

type Cell = string | number | boolean | null;

const COLUMNS: readonly (readonly [string, (record: Interception) => Cell])[] = [
  ['id', (record) => record.id],
  ['startedAt', (record) => record.startedAt],
  ['endedAt', (record) => record.endedAt],
  ['durationMs', (record) => record.durationMs],
  ['initiatorId', (record) => record.initiator.id],
  ['initiatorMetadata', (record) => JSON.stringify(record.initiator.metadata)],
  ['providerType', (record) => record.provider.type],
  ['providerName', (record) => record.provider.name],
  ['model', (record) => record.model],
  ['requestedModel', (record) => record.requestedModel],
  ['servedModel', (record) => record.servedModel],
  ['purpose', (record) => record.purpose],
  ['api', (record) => record.api],
  ['route', (record) => record.route],
  ['method', (record) => record.method],
  ['streaming', (record) => record.streaming],
  ['client', (record) => record.client],
  ['userAgent', (record) => record.userAgent],
  ['sessionId', (record) => record.sessionId],
  ['threadRootId', (record) => record.threadRootId],
  ['threadParentId', (record) => record.threadParentId],
  ['credentialKind', (record) => record.credential.kind],
  ['credentialHint', (record) => record.credential.hint],
  ['credentialFingerprint', (record) => record.credential.fingerprint],
  ['status', (record) => record.status],
  ['errorType', (record) => record.error?.type ?? null],
  ['errorMessage', (record) => record.error?.message ?? null],
  ['upstreamStatus', (record) => record.upstreamStatus],
  ['attemptCount', (record) => record.attemptCount],
  ['failedOver', (record) => record.failedOver],
  ['inputTokens', (record) => record.tokens.input],
  ['outputTokens', (record) => record.tokens.output],
  ['cacheReadTokens', (record) => record.tokens.cacheRead],
  ['cacheWriteTokens', (record) => record.tokens.cacheWrite],
  ['usageSource', (record) => record.usageSource],
  ['firstByteMs', (record) => record.firstByteMs],
  ['overheadMs', (record) => record.overheadMs],
];

export const CSV_HEADER = `${COLUMNS.map(([name]) => name).join(',')}\r\n`;

export function csvLine(record: Interception): string {
  return `${COLUMNS.map(([, cell]) => csvCell(cell(record))).join(',')}\r\n`;
}

/** What a spreadsheet takes for the beginning of a formula, alone or after what it skips. */
const FORMULA = /^[\s\0]*[=+\-@＝＋－＠]|^[\t\r\n]/;
const NEEDS_QUOTES = /[",\r\n;\t]|^\s|\s$/;

/**
 * A cell by RFC 4180. Names, paths and messages come from callers and providers: one that a
 * spreadsheet would run gets an apostrophe in front and is shown instead.
 */
export function csvCell(value: Cell): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  return NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
