import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';
import { errorParts } from '../../core/error-parts.ts';
import { isObject, objectAt, parseObject, stringAt } from '../../core/json.ts';
import { ANSWER_MISSING } from './call-transport.ts';
import { WireFailure, type WireFailureKind } from './wire-failure.ts';

/** What an error of the SDK, of `fetch` or of a stream comes to. */
export function wireFailureOf(error: unknown): WireFailure {
  if (error instanceof WireFailure) return error;
  const [kind, reason] = judged(error);
  return new WireFailure(kind, reason, { cause: error });
}

type Judgement = readonly [kind: WireFailureKind, reason: string];

const TIMEOUT: Judgement = ['timeout', 'it did not answer in time'];
const BROKEN_OFF: Judgement = ['broken_off', 'it broke off before it had answered'];
const CLOSED: Judgement = ['broken_off', 'the connection was closed'];
const TOO_LARGE: Judgement = ['too_large', 'it sent more than is read of an answer'];
const NOT_THE_PROTOCOL: Judgement = ['unreadable', 'it answered with what is not the protocol'];

const OF_NAME: Readonly<Record<string, Judgement>> = {
  AnswerTooLargeError: TOO_LARGE,
  TimeoutError: TIMEOUT,
  AbortError: CLOSED,
  InsufficientScopeError: ofStatus(403),
};

function judged(error: unknown): Judgement {
  const parts = [...errorParts(error)];
  const named = parts.map(({ name }) => OF_NAME[String(name)]).find((each) => each !== undefined);
  if (named !== undefined) return named;
  if (error instanceof SdkHttpError) return ofHttp(error);
  if (error instanceof ProtocolError) return ofProtocolError(error);
  if (error instanceof SdkError) return OF_CODE[error.code] ?? NOT_THE_PROTOCOL;
  const code = parts.map((part) => part['code']).find(isSystemCode);
  if (code !== undefined) return ofSystemCode(code);
  return ofMessage(error instanceof Error ? error.message : '');
}

/** Those of a connection that was there; all others are of one that was never made. */
const BROKEN = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'ECONNRESET',
  'EPIPE',
]);

function ofSystemCode(code: string): Judgement {
  if (BROKEN.has(code)) return BROKEN_OFF;
  const isOfHttp = /^HPE_|^UND_ERR_(RES|HEADERS|RESPONSE)/.test(code);
  return isOfHttp ? NOT_THE_PROTOCOL : ['unreachable', `it cannot be reached: ${code}`];
}

const OF_CODE: Readonly<Record<string, Judgement>> = {
  [SdkErrorCode.RequestTimeout]: TIMEOUT,
  [SdkErrorCode.ConnectionClosed]: CLOSED,
  [SdkErrorCode.NotConnected]: CLOSED,
};

/** By which a server says that it speaks none of the versions that it was offered. */
const UNSUPPORTED_VERSION = -32_022;
const SESSIONLESS: Judgement = [
  'sessionless',
  'MCP version negotiation failed: it speaks other versions only',
];

function ofHttp({ status, data }: SdkHttpError): Judgement {
  const text = stringAt(isObject(data) ? data : undefined, 'text');
  const error = text === undefined ? undefined : objectAt(parseObject(text), 'error');
  return error?.['code'] === UNSUPPORTED_VERSION ? SESSIONLESS : ofStatus(status);
}

function ofStatus(status: number | undefined): Judgement {
  if (status === 404) return ['session_lost', 'it answered with HTTP status 404'];
  const isRedirect = status !== undefined && status >= 300 && status < 400;
  const note = isRedirect ? ', and redirects are not followed' : '';
  return ['http', `it answered with HTTP status ${status ?? 'unknown'}${note}`];
}

function ofProtocolError({ code, message }: ProtocolError): Judgement {
  if (code === UNSUPPORTED_VERSION) return SESSIONLESS;
  if (code !== ANSWER_MISSING) return ['refused', message];
  if (message.includes('AnswerTooLargeError')) return TOO_LARGE;
  return BROKEN_OFF;
}

/** The SDK has no class for these. */
function ofMessage(message: string): Judgement {
  if (message === 'Not connected') return CLOSED;
  if (message === 'fetch failed') return ['unreachable', 'it cannot be reached'];
  if (message.startsWith("Server's protocol version")) {
    return ['unreadable', `MCP version negotiation failed: ${message}`];
  }
  return NOT_THE_PROTOCOL;
}

function isSystemCode(code: unknown): code is string {
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code);
}
