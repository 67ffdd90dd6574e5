import type { BridgeError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Provider } from '../../providers/index.ts';
import { retryAfterSeconds } from '../../upstream/index.ts';
import { faultText } from './fault-text.ts';

/** An error of the bridge itself, in the provider's words. */
export interface RenderedFault {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** All that the caller is told, as it stands in the envelope. */
  readonly message: string;
  readonly envelope: JsonObject;
}

export interface FaultPlace {
  readonly interceptionId: string;
  /** Undefined on a path that belongs to none: the envelope is then the one most clients read. */
  readonly provider: Provider | undefined;
  /** Wall time. */
  readonly nowMs: number;
}

export function renderFault(error: BridgeError, place: FaultPlace): RenderedFault {
  const { interceptionId, provider } = place;
  const { code, status, detail } = error;
  const message = faultText(error, place);
  const envelope = provider?.renderError({ status, code, message, interceptionId }) ?? {
    error: { type: code, message },
  };
  const retryAfter = retryAfterSeconds(detail.retryAfterMs);
  return {
    status,
    headers: [
      'content-type',
      'application/json',
      'x-aibridge-error',
      code,
      ...(retryAfter === undefined ? [] : ['retry-after', retryAfter]),
      ...(detail.headers ?? []),
    ],
    message,
    envelope,
  };
}
