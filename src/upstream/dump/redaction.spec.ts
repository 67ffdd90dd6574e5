import { expect, it } from 'vitest';
import { redactedHeaders, redactedTarget } from './redaction.ts';

const VALUE = 'a-secret-of-thirty-characters!';

// Law 5: of a credential nothing else has more than its hint.
it.each([
  'Authorization',
  'X-Api-Key',
  'api-key',
  'X-Goog-Api-Key',
  'X-Auth-Token',
  'Cookie',
  'Set-Cookie',
  'Set-Cookie2',
  'Proxy-Authorization',
  'Proxy-Authenticate',
  'WWW-Authenticate',
  'X-Amz-Security-Token',
  'X-Vendor-Client-Secret',
  'Forwarded',
  'X-Forwarded-User',
  'X-Forwarded-For',
  'X-Real-IP',
  'X-AI-Bridge-Actor-ID',
  'X-AI-Bridge-Actor-Metadata-Mail',
  'X-AIBridge-Token',
])('shows no more of %s than the ends', (name) => {
  expect(redactedHeaders([name, VALUE])).toEqual([name, 'a-se...ers!']);
});

it.each([
  'Content-Type',
  'anthropic-version',
  'anthropic-ratelimit-input-tokens-remaining',
  'x-request-id',
  'cf-ray',
  'openai-processing-ms',
  'X-Stainless-Lang',
])('leaves %s as it is', (name) => {
  expect(redactedHeaders(['Set-Cookie', 'x', name, VALUE])).toEqual([
    'Set-Cookie',
    '...',
    name,
    VALUE,
  ]);
});

it.each([
  ['/v1/models', '/v1/models'],
  ['/v1/models?limit=2&after_id=a%2Fb&beta&x=', '/v1/models?limit=2&after_id=a%2Fb&beta&x='],
  [`/m?key=${VALUE}&a=1`, '/m?key=a-se...ers!&a=1'],
  [`/m?a=1&api_key=${VALUE}`, '/m?a=1&api_key=a-se...ers!'],
  [`/m?api-key=${VALUE}`, '/m?api-key=a-se...ers!'],
  [`/m?access_token=${VALUE}`, '/m?access_token=a-se...ers!'],
  [`/m?%73ig=${VALUE}`, '/m?%73ig=a-se...ers!'],
  [`/m?Signature=${VALUE}`, '/m?Signature=a-se...ers!'],
  [`/m?X-Amz-Credential=${VALUE}`, '/m?X-Amz-Credential=a-se...ers!'],
  ['/m?token=%2F%2F%2F%2F-and-some-more-%2F%2F%2F', '/m?token=%2F%2F%2F%2F...-%2F%2F%2F'],
  ['/m?token=%E0%A4%A-which-nobody-can-read', '/m?token=%25E0%25...read'],
])('shows of %s what is no secret', (target, shown) => {
  expect(redactedTarget(target)).toBe(shown);
});
