import { isObject, parseJson, stringAt, type JsonObject } from '../../core/json.ts';
import { anthropicErrorType } from '../anthropic-dialect.ts';
import type { AnswerHead, TranslatedError } from '../translation.ts';

/** What AWS calls its errors, and the status that Anthropic's clients know for each. */
export const STATUS_OF_ERROR: Readonly<Record<string, number>> = {
  ValidationException: 400,
  // About the credentials, which AWS answers with 403, as it does what they may not do.
  UnrecognizedClientException: 401,
  InvalidClientTokenId: 401,
  ExpiredToken: 401,
  ExpiredTokenException: 401,
  InvalidSignatureException: 401,
  SignatureDoesNotMatch: 401,
  MissingAuthenticationToken: 401,
  MissingAuthenticationTokenException: 401,
  AccessDeniedException: 403,
  OptInRequired: 403,
  NotAuthorized: 403,
  ResourceNotFoundException: 404,
  FTUFormNotFilled: 404,
  ThrottlingException: 429,
  TooManyRequestsException: 429,
  ServiceQuotaExceededException: 429,
  InternalFailure: 500,
  InternalServerException: 500,
  ModelErrorException: 500,
  ModelStreamErrorException: 500,
  RequestExpired: 502,
  IncompleteSignature: 502,
  IncompleteSignatureException: 502,
  ServiceUnavailable: 503,
  ServiceUnavailableException: 503,
  ModelNotReadyException: 503,
  ModelTimeoutException: 504,
};

/** The clock or the region of the bridge is wrong: no other key would do better. */
const BRIDGE_IS_WRONG =
  /^Signature (?:expired|not yet current)\b|^Credential should be scoped to a (?:valid region|correct service)\b/;
const OF_THE_BRIDGE = 502;
const NAME_LENGTH_MAX = 128;

export interface AwsError {
  readonly name: string;
  readonly message: string;
}

/** Undefined where this is no error of AWS's: something else stands in between and has answered. */
export function translatedError(head: AnswerHead, body: Buffer): TranslatedError | undefined {
  const error = readAwsError(head, body);
  if (error === undefined) return undefined;
  const status = statusOf(error) ?? head.status;
  return { status, json: Buffer.from(JSON.stringify(envelopeOf(error, status))) };
}

/** The error of a stream, which is the same in a frame of its own. */
export function streamError(error: AwsError): JsonObject {
  return envelopeOf(error, statusOf(error) ?? 500);
}

/** `x-amzn-errortype` is a name, behind which may stand a colon and an address. */
function readAwsError({ valueOf }: AnswerHead, body: Buffer): AwsError | undefined {
  const value = parseJson(body.toString('utf8'));
  if (!isObject(value)) return undefined;
  const message = stringAt(value, 'message') ?? stringAt(value, 'Message');
  const named = valueOf('x-amzn-errortype')?.split(':')[0] ?? stringAt(value, '__type') ?? '';
  const name = named.slice(named.lastIndexOf('#') + 1, NAME_LENGTH_MAX);
  return message === undefined && name === '' ? undefined : { name, message: message ?? '' };
}

function statusOf({ name, message }: AwsError): number | undefined {
  if (BRIDGE_IS_WRONG.test(message)) return OF_THE_BRIDGE;
  return Object.hasOwn(STATUS_OF_ERROR, name) ? STATUS_OF_ERROR[name] : undefined;
}

/** `code` is AWS's own name, which says more than the type. */
function envelopeOf({ name, message }: AwsError, status: number): JsonObject {
  const said = [name, message].filter((text) => text !== '').join(': ');
  return { type: 'error', error: { type: anthropicErrorType(status), message: said, code: name } };
}
