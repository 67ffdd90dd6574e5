import type { InBandError } from '../in-band-error.ts';

/** What ends a stream of chunks that has gone wrong. */
export function chatErrorFrames({ envelope }: InBandError): string {
  return `data: ${JSON.stringify(envelope)}\n\ndata: [DONE]\n\n`;
}
