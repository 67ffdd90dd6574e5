import type { BridgeError } from '../../core/errors.ts';
import { retryAfterSeconds } from '../../upstream/index.ts';

/**
 * What a person reads of an error of the bridge: who speaks, what went wrong, until when
 * to wait, and by which name to find it again. Whoever sees only the text has it all.
 */
export function faultText(
  { detail }: BridgeError,
  { interceptionId, nowMs }: { readonly interceptionId: string; readonly nowMs: number },
): string {
  const what = detail.public.replace(/\.?$/, '.');
  const wait = waitText(retryAfterSeconds(detail.retryAfterMs), nowMs);
  return `AI Bridge: ${what}${wait} (interception ${interceptionId})`;
}

/** Codex reads `try again in … seconds` where it cannot see the header. */
function waitText(retryAfter: string | undefined, nowMs: number): string {
  if (retryAfter === undefined) return '';
  const until = new Date(nowMs + Number(retryAfter) * 1_000).toISOString();
  const time = until.slice(0, 19).replace('T', ' ');
  return ` Try again in ${retryAfter} ${retryAfter === '1' ? 'second' : 'seconds'}, at ${time} UTC.`;
}
