import { describe, expect, it } from 'vitest';
import { ERROR_STATUS, type ErrorCode } from '../core/errors.ts';
import { ANTHROPIC } from './anthropic/index.ts';
import { OPENAI } from './openai/index.ts';
import { PROVIDERS } from './registry.ts';
import { readUpstreamError } from './upstream-error.ts';

function fault(code: ErrorCode, status: number = ERROR_STATUS[code]) {
  return { status, code, message: 'text', interceptionId: 'id-1' };
}

describe('errors of the bridge in the words of the vendor', () => {
  it('Anthropic: the envelope of 7.2 with the interception as request id', () => {
    expect(ANTHROPIC.renderError(fault('bad_request'))).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: 'text' },
      request_id: 'id-1',
    });
  });

  it('OpenAI: the nested envelope', () => {
    expect(OPENAI.renderError(fault('bad_request'))).toEqual({
      error: { message: 'text', type: 'invalid_request_error', param: null, code: 'bad_request' },
    });
  });

  it.each([
    ['bad_request', 'invalid_request_error', 'invalid_request_error', 'bad_request'],
    ['no_credential', 'authentication_error', 'authentication_error', 'no_credential'],
    ['byok_disabled', 'permission_error', 'permission_error', 'byok_disabled'],
    ['unknown_route', 'not_found_error', 'invalid_request_error', 'unknown_route'],
    ['method_not_allowed', 'invalid_request_error', 'invalid_request_error', 'method_not_allowed'],
    ['body_too_large', 'request_too_large', 'invalid_request_error', 'body_too_large'],
    ['keys_rate_limited', 'rate_limit_error', 'rate_limit_error', 'rate_limit_exceeded'],
    ['keys_rejected', 'api_error', 'api_error', 'server_error'],
    ['breaker_open', 'overloaded_error', 'server_error', 'service_unavailable'],
    ['upstream_unreachable', 'api_error', 'server_error', 'upstream_unreachable'],
    ['upstream_timeout', 'timeout_error', 'server_error', 'upstream_timeout'],
    ['internal', 'api_error', 'server_error', 'internal'],
  ] as const)('%s', (code, anthropicType, openAiType, openAiCode) => {
    expect(ANTHROPIC.renderError(fault(code))).toMatchObject({ error: { type: anthropicType } });
    const error = { type: openAiType, code: openAiCode };
    expect(OPENAI.renderError(fault(code))).toMatchObject({ error });
  });

  it('every provider renders an error of every status so that it reads it back', () => {
    for (const { renderError, readError } of PROVIDERS) {
      for (const status of Object.values(ERROR_STATUS)) {
        expect(readError(renderError(fault('internal', status)))).toMatchObject({
          message: 'text',
        });
      }
    }
  });
});

describe('errors of the vendors', () => {
  it.each([
    [
      { type: 'error', error: { type: 'rate_limit_error', message: 'm' } },
      ['rate_limit_error', '', 'm'],
    ],
    [
      { error: { type: 'requests', code: 'rate_limit_exceeded', message: 'm', param: null } },
      ['requests', 'rate_limit_exceeded', 'm'],
    ],
    [{ error: { type: 'x', code: null, message: 'm' } }, ['x', '', 'm']],
    [{ error: { code: 402, message: 'm' } }, ['', '402', 'm']],
    [{ type: 'error', code: 'server_error', message: 'm', param: null }, ['', 'server_error', 'm']],
    [
      {
        type: 'response.failed',
        response: { error: { code: 'rate_limit_exceeded', message: 'm' } },
      },
      ['', 'rate_limit_exceeded', 'm'],
    ],
    [{ error: 'm' }, ['', '', 'm']],
    [{ error: {} }, ['', '', '']],
  ])('reads %j', (body, [type, code, message]) => {
    expect(readUpstreamError(body)).toEqual({ type, code, message });
  });

  it.each([
    [undefined],
    [null],
    ['<html>403</html>'],
    [[]],
    [{}],
    [{ error: null, choices: [] }],
    [{ type: 'response.created', response: { error: null } }],
    [{ type: 'message_start', message: {} }],
  ])('finds none in %j', (body) => {
    expect(readUpstreamError(body)).toBeUndefined();
  });
});
