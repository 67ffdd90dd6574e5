import { describe, expect, it } from 'vitest';
import { ANTHROPIC } from './anthropic/index.ts';
import { COPILOT } from './copilot/index.ts';
import { OPENAI } from './openai/index.ts';
import type { Provider } from './provider.ts';
import { matchRoute } from './route-match.ts';

function match(provider: Provider, request: string, isWebSocketUpgrade = false) {
  const [method = '', route = ''] = request.split(' ');
  return matchRoute(provider, { method, route, isWebSocketUpgrade });
}

describe('bridged routes', () => {
  it.each([
    [ANTHROPIC, '/v1/messages', 'messages', '/v1/messages'],
    [OPENAI, '/v1/chat/completions', 'chat_completions', '/chat/completions'],
    [OPENAI, '/v1/responses', 'responses', '/responses'],
    [COPILOT, '/chat/completions', 'chat_completions', '/chat/completions'],
    [COPILOT, '/responses', 'responses', '/responses'],
  ] as const)('$type takes POST $1', (provider, route, api, upstreamPath) => {
    expect(match(provider, `POST ${route}`)).toEqual({
      kind: 'bridged',
      api,
      upstreamPath,
      route,
      label: route,
    });
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      const refused = { kind: 'method_not_allowed', allow: ['POST'] };
      expect(match(provider, `${method} ${route}`)).toEqual(refused);
    }
  });

  it.each([
    [OPENAI, 'GET /v1/responses', 'upgrade_required'],
    [COPILOT, 'GET /responses', 'upgrade_required'],
    [OPENAI, 'GET /v1/chat/completions', 'method_not_allowed'],
    [OPENAI, 'POST /v1/responses', 'bridged'],
    [ANTHROPIC, 'GET /v1/messages', 'method_not_allowed'],
  ] as const)('answers a WebSocket upgrade of %o %s with %s', (provider, request, kind) => {
    expect(match(provider, request, true).kind).toBe(kind);
  });

  // A model call must not slip through the audit as the empty end of a passthrough subtree.
  it.each([
    [ANTHROPIC, 'POST /v1/messages/'],
    [OPENAI, 'POST /v1/responses/'],
    [COPILOT, 'POST /responses/'],
  ] as const)('%o does not pass %s through unread', (provider, request) => {
    expect(match(provider, request)).toEqual({ kind: 'unknown' });
  });
});

describe('passthrough routes', () => {
  it.each([
    [ANTHROPIC, 'GET /v1/models', '/v1/models', '/v1/models'],
    [ANTHROPIC, 'HEAD /v1/models', '/v1/models', '/v1/models'],
    [ANTHROPIC, 'GET /v1/models/', '/v1/models/', '/v1/models/{id}'],
    [ANTHROPIC, 'GET /v1/models/claude-x', '/v1/models/claude-x', '/v1/models/{id}'],
    [
      ANTHROPIC,
      'POST /v1/messages/count_tokens',
      '/v1/messages/count_tokens',
      '/v1/messages/count_tokens',
    ],
    [
      ANTHROPIC,
      'POST /api/event_logging/batch',
      '/api/event_logging/batch',
      '/api/event_logging/{path}',
    ],
    [ANTHROPIC, 'POST /api/event_logging', '/api/event_logging', '/api/event_logging/{path}'],
    [OPENAI, 'GET /v1/models', '/models', '/v1/models'],
    [OPENAI, 'GET /v1/models/ft:gpt-4o:org%20x', '/models/ft:gpt-4o:org%20x', '/v1/models/{id}'],
    [OPENAI, 'POST /v1/conversations', '/conversations', '/v1/conversations'],
    [
      OPENAI,
      'GET /v1/conversations/c_1/items',
      '/conversations/c_1/items',
      '/v1/conversations/{path}',
    ],
    [OPENAI, 'DELETE /v1/responses/resp_1', '/responses/resp_1', '/v1/responses/{path}'],
    [
      OPENAI,
      'POST /v1/responses/resp_1/cancel',
      '/responses/resp_1/cancel',
      '/v1/responses/{path}',
    ],
    [COPILOT, 'GET /models', '/models', '/models'],
    [COPILOT, 'POST /models/m/policy', '/models/m/policy', '/models/{path}'],
    [COPILOT, 'POST /agents/swe/run', '/agents/swe/run', '/agents/{path}'],
    [COPILOT, 'POST /mcp', '/mcp', '/mcp/{path}'],
    [COPILOT, 'GET /.well-known/x', '/.well-known/x', '/.well-known/{path}'],
  ] as const)('%o relays %s', (provider, request, upstreamPath, label) => {
    const route = request.split(' ')[1];
    expect(match(provider, request)).toEqual({ kind: 'passthrough', upstreamPath, route, label });
  });

  it.each([
    [ANTHROPIC, 'POST /v1/models', ['GET', 'HEAD']],
    [ANTHROPIC, 'DELETE /v1/models/claude-x', ['GET', 'HEAD']],
    [ANTHROPIC, 'GET /v1/messages/count_tokens', ['POST']],
    [OPENAI, 'DELETE /v1/models/ft:mine', ['GET', 'HEAD']],
    [OPENAI, 'PUT /v1/conversations/c_1', ['GET', 'HEAD', 'POST', 'DELETE']],
  ] as const)('%o refuses %s', (provider, request, allow) => {
    expect(match(provider, request)).toEqual({ kind: 'method_not_allowed', allow });
  });
});

describe('everything else', () => {
  it.each([
    [ANTHROPIC, ''],
    [ANTHROPIC, '/'],
    [OPENAI, ''],
    [OPENAI, '/v1'],
    [OPENAI, '/v1/'],
    [COPILOT, '/'],
  ] as const)('%o answers for itself at "%s"', (provider, route) => {
    for (const method of ['GET', 'HEAD']) {
      expect(match(provider, `${method} ${route}`)).toEqual({ kind: 'root' });
    }
    const refused = { kind: 'method_not_allowed', allow: ['GET', 'HEAD'] };
    expect(match(provider, `POST ${route}`)).toEqual(refused);
  });

  it.each([
    [ANTHROPIC, '/v1/complete'],
    [ANTHROPIC, '/v1/organizations/api_keys'],
    [ANTHROPIC, '/v1/modelsX'],
    [ANTHROPIC, '/V1/messages'],
    [ANTHROPIC, '/v1/%6dessages'],
    [OPENAI, '/chat/completions'],
    [OPENAI, '/v1/completions'],
    [OPENAI, '/v1/organization/admin_api_keys'],
    [OPENAI, '/v1x/models'],
    [COPILOT, '/v1/models'],
  ] as const)('%o does not know %s', (provider, route) => {
    expect(match(provider, `GET ${route}`)).toEqual({ kind: 'unknown' });
    expect(match(provider, `POST ${route}`)).toEqual({ kind: 'unknown' });
  });

  // The central key may have the rights of an administrator: no spelling leads out of the list.
  it.each([
    '/v1/models/..',
    '/v1/models/../organization/admin_api_keys',
    '/v1/models/./x',
    '/v1/models/%2e%2e/organization',
    '/v1/models/.%2E/organization',
    '/v1/models/%252e%252e/organization',
    '/v1/models/..;/organization',
    '/v1/models/..%3b/organization',
    '/v1/models/..%2forganization',
    '/v1/models/x%2Fy',
    '/v1/models/..\\organization',
    '/v1/models/x%5Cy',
    '/v1/models/x%255cy',
    '/v1/models//x',
    '//v1/models',
    '/v1//models',
    '/v1/models/x//',
    '/v1/models/%00',
    '/v1/models/x%0d%0aHost:evil',
    '/v1/models/%zz',
    '/v1/models/%ff',
  ])('does not follow %s', (route) => {
    for (const provider of [ANTHROPIC, OPENAI]) {
      expect(match(provider, `GET ${route}`)).toEqual({ kind: 'unknown' });
    }
  });
});
