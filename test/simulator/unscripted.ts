import { rawResponse } from './behaviours/raw.ts';
import type { Behaviour } from './behaviours/behaviour.ts';
import type { Call } from './call.ts';
import { maskedKey } from './masked-key.ts';

/** A status no provider uses, so that nothing mistakes the gap in a test for a provider's error. */
const UNSCRIPTED_STATUS = 599;

/** The reaction to a call that no script covers. */
export function unscripted(call: Call): Behaviour {
  const message = `the simulator has no script for ${describe(call)}`;
  const response = rawResponse({
    status: UNSCRIPTED_STATUS,
    headers: { 'content-type': 'application/json', 'x-simulator': 'unscripted' },
    body: JSON.stringify({ type: 'error', error: { type: 'simulator_unscripted', message } }),
  });
  return { ...response, name: 'unscripted' };
}

export function describe(call: Call): string {
  const model = call.model === null ? '' : ` for model ${call.model}`;
  return `call ${call.ordinal}: ${call.method} ${call.path} with key ${maskedKey(call.key)}${model}`;
}
