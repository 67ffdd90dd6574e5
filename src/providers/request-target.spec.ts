import { describe, expect, it } from 'vitest';
import { parseTarget, upstreamTarget } from './request-target.ts';

describe('taking a request target apart', () => {
  it.each([
    ['/anthropic/v1/messages?beta=true', 'anthropic', '/v1/messages', '?beta=true'],
    ['/anthropic', 'anthropic', '', ''],
    ['/anthropic/', 'anthropic', '/', ''],
    ['/anthropic?x=1', 'anthropic', '', '?x=1'],
    ['/openai/v1/models?a=%2F&a=?&b', 'openai', '/v1/models', '?a=%2F&a=?&b'],
    ['/openai//v1', 'openai', '//v1', ''],
    ['/', '', '', ''],
  ])('%s', (url, name, route, query) => {
    expect(parseTarget(url)).toEqual({ name, route, query });
  });

  it.each(['*', '', 'http://elsewhere/anthropic', '/anthropic/v1#x', '/anthropic?x#y'])(
    'finds no path of ours in "%s"',
    (url) => {
      expect(parseTarget(url)).toBeUndefined();
    },
  );
});

describe('joining the upstream target', () => {
  it.each([
    ['http://h', '/v1/messages', '', '/v1/messages'],
    ['http://h/', '/v1/messages', '?beta=true', '/v1/messages?beta=true'],
    ['http://h/api', '/v1/messages', '', '/api/v1/messages'],
    ['http://h/api/', '/v1/messages', '', '/api/v1/messages'],
    ['http://h', '/chat/completions', '', '/chat/completions'],
    ['http://h/api', '/chat/completions', '', '/api/chat/completions'],
    ['http://h/v1', '/conversations', '', '/v1/conversations'],
    ['http://h/v1', '/v1/models', '', '/v1/v1/models'],
    ['http://h/v1', '/models', '?after=%2F&x=a+b', '/v1/models?after=%2F&x=a+b'],
    ['http://h/v1//', '/models/', '', '/v1/models/'],
  ])('%s and %s%s make %s', (baseUrl, path, query, joined) => {
    const target = upstreamTarget(new URL(baseUrl), path, query);
    expect(target).toEqual({ origin: 'http://h', path: joined });
  });
});
