import { describe, expect, it } from 'vitest';
import { Secret } from '../core/secret.ts';
import {
  forwardedRequestHeaders,
  headerValue,
  relayedAnswerHeaders,
  withoutHeader,
} from './header-policy.ts';

const KEY = new Secret('sk-ant-0123456789-0001');
const NONE = new Set<string>();

/** Names and values in turn, as they stand on the wire. */
function raw(...lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(': '));
}

describe('of a request', () => {
  it('what the caller says to the provider goes on, in its order and spelling', () => {
    const headers = raw(
      'Content-Type: application/json',
      'anthropic-version: 2023-06-01',
      'Anthropic-Beta: a',
      'anthropic-beta: b',
      'X-Stainless-Lang: js',
      'Idempotency-Key: 1',
      'traceparent: 00-1-2-01',
      'User-Agent: me',
      'X-Unknown: ',
    );
    expect(forwardedRequestHeaders(headers, NONE)).toEqual(headers);
  });

  it.each([
    ['is about the connection', 'Connection', 'Keep-Alive', 'TE', 'Trailer', 'Upgrade'],
    ['is about the connection to a proxy', 'Proxy-Authorization', 'Proxy-Connection'],
    ['is set anew', 'Host', 'Content-Length', 'Accept-Encoding', 'Transfer-Encoding', 'Expect'],
    ['is a credential', 'Authorization', 'X-Api-Key', 'Api-Key', 'X-Auth-Token', 'Cookie'],
    ['tells of the network', 'Forwarded', 'X-Forwarded-For', 'Via', 'X-Real-IP', 'CF-Ray'],
    ['claims to be from the bridge', 'X-AI-Bridge-Actor-ID', 'x-aibridge-anything'],
    ['claims it with underscores', 'X_AI_Bridge_Actor_ID', 'x-ai_bridge-actor_metadata-team'],
  ])('what %s stays behind', (_, ...names) => {
    const headers = names.flatMap((name) => [name, 'value']);
    expect(forwardedRequestHeaders([...headers, 'X-Kept', '1'], NONE)).toEqual(['X-Kept', '1']);
  });

  it('what the caller names in Connection stays behind', () => {
    const headers = ['connection', 'close, X-Hop', 'x-hop', '1', 'x-kept', '1'];
    expect(forwardedRequestHeaders(headers, NONE)).toEqual(['x-kept', '1']);
  });

  it('what tells the bridge who calls stays behind', () => {
    const headers = ['X-Whoever', 'alice', 'x-kept', '1'];
    expect(forwardedRequestHeaders(headers, new Set(['x-whoever']))).toEqual(['x-kept', '1']);
  });
});

describe('of an answer', () => {
  it('what the provider says to the caller goes on', () => {
    const headers = raw(
      'Content-Type: text/event-stream',
      'request-id: req_1',
      'Retry-After: 5',
      'anthropic-ratelimit-tokens-remaining: 0',
      'x-ratelimit-reset-requests: 1s',
      'Content-Length: 12',
      'Content-Encoding: gzip',
      'X-Twice: a',
      'X-Twice: b',
    );
    expect(relayedAnswerHeaders(headers, KEY)).toEqual(headers);
  });

  it.each([
    ['is about the connection', 'Connection', 'Keep-Alive', 'Transfer-Encoding', 'Upgrade'],
    ['would be a session with the provider', 'Set-Cookie', 'Alt-Svc', 'WWW-Authenticate'],
    ['is a credential', 'Authorization', 'X-Api-Key', 'Api-Key', 'X-Auth-Token'],
    ['claims to be from the bridge', 'X-AIBridge-Error', 'x-aibridge-interception-id'],
  ])('what %s stays behind', (_, ...names) => {
    const headers = names.flatMap((name) => [name, 'value']);
    expect(relayedAnswerHeaders([...headers, 'X-Kept', '1'], KEY)).toEqual(['X-Kept', '1']);
  });

  // Protects law 5: a provider that echoes the request must not give the key away.
  it('whatever has the key in it stays behind', () => {
    const headers = ['X-Echo', `Bearer ${KEY.reveal()}`, 'X-Hint', KEY.hint];
    expect(relayedAnswerHeaders(headers, KEY)).toEqual(['X-Hint', KEY.hint]);
  });
});

describe('a header', () => {
  it('is found whatever its case, with all its values', () => {
    const headers = ['Vary', 'a', 'X-Other', '1', 'vary', 'b'];
    expect(headerValue(headers, 'vary')).toBe('a, b');
    expect(headerValue(headers, 'x-missing')).toBeUndefined();
  });

  it('is taken out whatever its case', () => {
    expect(withoutHeader(['Vary', 'a', 'X-Other', '1', 'vary', 'b'], 'vary')).toEqual([
      'X-Other',
      '1',
    ]);
  });
});
