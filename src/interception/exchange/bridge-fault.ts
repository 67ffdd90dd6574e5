import type { BridgeError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Provider } from '../../providers/index.ts';
import { retryAfterSeconds } from './exhaustion.ts';

/** An error of the bridge itself, in the provider's words. */
export interface RenderedFault {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly envelope: JsonObject;
}

/** Without a provider, on a path that belongs to none, the envelope is the one most clients read. */
export function renderFault(
  error: BridgeError,
  interceptionId: string,
  provider: Provider | undefined,
): RenderedFault {
  const { code, status, detail } = error;
  const envelope = provider?.renderError({
    status,
    code,
    message: detail.public,
    interceptionId,
  }) ?? {
    error: { type: code, message: detail.public },
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
    envelope,
  };
}
