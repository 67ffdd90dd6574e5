import { describe, expect, test } from 'vitest';
import { classify, type KeyVerdict } from '../../keypool/index.ts';
import { translatedError } from './aws-errors.ts';
import { BEDROCK } from './index.ts';

interface Told {
  readonly status: number;
  readonly type?: string;
  readonly message?: string;
  readonly verdict: KeyVerdict;
}

function told(status: number, name: string, message = 'why'): Told {
  const valueOf = (header: string) =>
    header === 'x-amzn-errortype' ? `${name}:http://x/` : undefined;
  const translated = translatedError({ status, valueOf }, Buffer.from(JSON.stringify({ message })));
  if (translated === undefined) throw new Error('not translated');
  const body: unknown = JSON.parse(translated.json.toString());
  const error = BEDROCK.readError(body);
  const reply = { status: translated.status, headers: { get: () => undefined }, error };
  const verdict = classify(reply, BEDROCK.failures, {
    nowMs: 0,
    cooldownScope: 'model',
    forbiddenScope: 'model',
  });
  return { status: translated.status, verdict, ...error };
}

const HEALTHY = { kind: 'healthy' };
const UNAUTHORIZED = { kind: 'reject', reason: 'unauthorized', scope: 'key' };
const LIMITED = { kind: 'cool', reason: 'rate_limited', scope: 'model' };

describe('what AWS refuses, as Anthropic says it and as the pool takes it', () => {
  test.each<[string, number, number, string, object]>([
    ['ThrottlingException', 429, 429, 'rate_limit_error', LIMITED],
    ['TooManyRequestsException', 429, 429, 'rate_limit_error', LIMITED],
    [
      'ServiceQuotaExceededException',
      400,
      429,
      'rate_limit_error',
      { kind: 'cool', reason: 'quota_exhausted' },
    ],
    ['ExpiredTokenException', 403, 401, 'authentication_error', UNAUTHORIZED],
    ['UnrecognizedClientException', 403, 401, 'authentication_error', UNAUTHORIZED],
    ['InvalidSignatureException', 403, 401, 'authentication_error', UNAUTHORIZED],
    [
      'AccessDeniedException',
      403,
      403,
      'permission_error',
      { kind: 'reject', reason: 'forbidden', scope: 'key' },
    ],
    ['ValidationException', 400, 400, 'invalid_request_error', HEALTHY],
    ['ResourceNotFoundException', 404, 404, 'not_found_error', HEALTHY],
    ['ModelTimeoutException', 408, 504, 'timeout_error', HEALTHY],
    ['ModelErrorException', 424, 500, 'api_error', HEALTHY],
    ['ModelNotReadyException', 429, 503, 'overloaded_error', HEALTHY],
    ['InternalServerException', 500, 500, 'api_error', HEALTHY],
    ['ServiceUnavailableException', 503, 503, 'overloaded_error', HEALTHY],
    ['SomethingNew', 418, 418, 'invalid_request_error', HEALTHY],
    ['toString', 500, 500, 'api_error', HEALTHY],
  ])('%s', (name, given, ...expected) => {
    const [status, type, verdict] = expected;
    expect(told(given, name)).toMatchObject({ status, type, message: `${name}: why`, verdict });
  });

  test('a refusal of one model is no word on the credentials', () => {
    const message = "You don't have access to the model with the specified model ID.";
    expect(told(403, 'AccessDeniedException', message).verdict).toMatchObject({ scope: 'model' });
  });

  // Protects the pool: a bridge whose clock is wrong would have every key of it rejected.
  test.each([
    'Signature expired: 20261122T000000Z is now earlier than 20261122T010000Z (20261122T011500Z - 15 min.)',
    'Signature not yet current: 20261122T020000Z is still later than 20261122T011500Z',
    "Credential should be scoped to a valid region, not 'us-east-1'.",
  ])('what is wrong with the bridge is not held against a key: %s', (message) => {
    expect(told(403, 'InvalidSignatureException', message)).toMatchObject({
      status: 502,
      type: 'api_error',
      message: `InvalidSignatureException: ${message}`,
      verdict: HEALTHY,
    });
  });
});

describe('what is no error of AWS is relayed as it came', () => {
  test.each(['<html>', '[]', '{}', '{"detail":"not found"}'])('%s', (body) => {
    const head = { status: 502, valueOf: () => undefined };
    expect(translatedError(head, Buffer.from(body))).toBeUndefined();
  });
});

test('the name may stand in the body alone', () => {
  const body = '{"__type":"com.amazon#ThrottlingException","Message":"slow down"}';
  const head = { status: 400, valueOf: () => undefined };
  expect(translatedError(head, Buffer.from(body))?.status).toBe(429);
});
