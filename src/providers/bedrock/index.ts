import { ANTHROPIC_FAILURES, renderAnthropicError } from '../anthropic-dialect.ts';
import type { KeyFailures } from '../key-failures.ts';
import type { Provider } from '../provider.ts';
import { readUpstreamError } from '../upstream-error.ts';
import { STATUS_OF_ERROR } from './aws-errors.ts';
import { defaultChainKey } from './default-chain.ts';
import { regionalBaseUrl } from './settings.ts';
import { BedrockTranslator } from './translator.ts';

/** AWS's errors as they are once they are in Anthropic's envelope, where `code` has AWS's name. */
const FAILURES: KeyFailures = {
  statusOf: { ...ANTHROPIC_FAILURES.statusOf, ...STATUS_OF_ERROR },
  quotaExhausted: [{ code: 'ServiceQuotaExceededException' }],
  // Every quota of Bedrock is one of a model in a region.
  accountLimited: [],
  modelForbidden: [{ type: 'permission_error', message: /\bmodel\b|\binference-profile\b/i }],
  rateLimits: [],
};

/** Anthropic's models on AWS. Speaks the Messages API in AWS's own words, and nothing else of it. */
export const BEDROCK: Provider = {
  type: 'bedrock',
  telemetryName: 'aws.bedrock',
  baseUrl: regionalBaseUrl('us-east-1'),
  mount: '',
  bridged: [{ path: '/v1/messages', api: 'messages' }],
  passthrough: [],
  // Who may not see this list is known all the same.
  probePath: '/async-invoke?maxResults=1',
  probeAccepts: [403],
  hasCentralKeys: false,
  takesCallerKeys: false,
  // Not used: requests are signed.
  auth: 'bearer',
  callerAuth: ['x-api-key', 'bearer'],
  defaultHeaders: { 'content-type': 'application/json' },
  sendsActorHeaders: true,
  failures: FAILURES,
  translator: ({ baseUrl, bedrock }) => bedrock && new BedrockTranslator(new URL(baseUrl), bedrock),
  findKeys: async ({ keys }) => {
    // What the first call would have to wait for.
    await Promise.all([import('@smithy/signature-v4'), import('@smithy/eventstream-codec')]);
    return keys.length > 0 ? keys : [await defaultChainKey()];
  },
  renderError: renderAnthropicError,
  readError: readUpstreamError,
};
