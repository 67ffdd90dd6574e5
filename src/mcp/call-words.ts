import { unreachable } from '../core/errors.ts';
import { failedResult, tooLargeResult } from './tool-result.ts';
import type { ToolResult } from './tool-offer.ts';
import type { WireFailure } from './wire/wire-failure.ts';

export interface CallBounds {
  readonly callTimeoutMs: number;
  readonly resultBytesMax: number;
}

/** What the model is told instead of a result: what happened, and nothing of how this house is built. */
export function resultOfFailure(
  { kind, message }: WireFailure,
  { callTimeoutMs, resultBytesMax }: CallBounds,
): ToolResult {
  switch (kind) {
    case 'timeout':
      return failedResult(`The tool did not answer within ${callTimeoutMs / 1_000} s.`);
    case 'unreachable':
      return failedResult('The tool server could not be reached.', message);
    case 'session_lost':
    case 'sessionless':
    case 'http':
      return failedResult('The tool server did not accept the call.', message);
    case 'refused':
      return {
        ...failedResult(`The tool server refused the call: ${message}`),
        isErrorQuoted: true,
      };
    case 'broken_off':
      return failedResult('The connection to the tool server broke before it had answered.');
    case 'too_large':
      return tooLargeResult(resultBytesMax);
    case 'unreadable':
      return failedResult('The tool server gave an answer that cannot be read.', message);
    default:
      return unreachable(kind, 'resultOfFailure');
  }
}
