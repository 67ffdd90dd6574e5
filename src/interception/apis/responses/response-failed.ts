import { objectAt, stringAt } from '../../../core/json.ts';
import type { InBandError } from '../api.ts';

/** What is known of a response that will not be completed. */
export interface BrokenResponse {
  readonly id: string | null;
  readonly model: string | null;
  /** The number of the event that now follows. */
  readonly sequenceNumber: number;
}

/** The event that ends a stream which went wrong. Codex passes over one that is named `error`. */
export function responseFailed(
  { code, message, envelope, interceptionId }: InBandError,
  { id, model, sequenceNumber }: BrokenResponse,
): string {
  const type = 'response.failed';
  const vendorCode = stringAt(objectAt(envelope, 'error'), 'code') ?? code;
  const response = {
    id: id ?? `resp_${interceptionId}`,
    object: 'response',
    status: 'failed',
    error: { code: vendorCode, message },
    incomplete_details: null,
    model,
    output: [],
    usage: null,
  };
  const event = { type, sequence_number: sequenceNumber, response };
  return `event: ${type}\ndata: ${JSON.stringify(event)}\n\n`;
}

const SEQUENCE_NUMBER = /"sequence_number"\s*:\s*(\d+)\s*[,}]/;

/** The number that follows those of the newest events, of which the last may be cut off. */
export function nextSequenceNumber(newest: readonly string[], eventCount: number): number {
  for (const data of newest) {
    const number = SEQUENCE_NUMBER.exec(data)?.[1];
    if (number !== undefined) return Number(number) + 1;
  }
  return eventCount;
}
