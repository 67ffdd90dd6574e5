import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../core/json.ts';
import { detectClient, type DetectedClient } from './client-detection.ts';

interface Facts {
  readonly body?: JsonObject;
  readonly lastText?: string;
  readonly route?: string;
}

function detected(
  headers: IncomingHttpHeaders,
  { body, lastText = '', route = '/v1/messages' }: Facts = {},
): DetectedClient {
  return detectClient({ headers, body, lastText }, route);
}

describe('O-4: the client is told by its user agent', () => {
  test.each([
    ['claude-cli/2.0.67 (external, cli)', 'Claude Code'],
    ['claude-code/1.0.0', 'Claude Code'],
    ['codex_cli_rs/0.87.0 (Mac OS 15.0.0; arm64)', 'Codex'],
    ['codex/1.0.0', 'Codex'],
    ['Zed/0.219.4+stable.123 (macos; aarch64)', 'Zed'],
    ['GitHubCopilotChat/0.37.2026011603', 'GitHub Copilot (VS Code)'],
    ['copilot/0.0.403 (linux v24.11.1)', 'GitHub Copilot (CLI)'],
    ['Kilo-Code/4.1.0', 'Kilo Code'],
    ['Roo-Code/3.0.0', 'Roo Code'],
    ['mux/0.19.0-next.2 ai-sdk/openai', 'Mux'],
    ['coder-agents/v2.24.0 (linux/amd64)', 'Coder Agents'],
    ['Charm Crush/0.1.11', 'Charm Crush'],
    ['ccclaude-cli/2.0.67', 'Unknown'],
    ['zed', 'Unknown'],
    ['', 'Unknown'],
  ])('%j is %s', (userAgent, client) => {
    expect(detected({ 'user-agent': userAgent }).client).toBe(client);
  });

  test.each([
    [{ originator: 'kilo-code' }, 'Kilo Code'],
    [{ originator: 'roo-code' }, 'Roo Code'],
    [{ originator: 'Roo-Code' }, 'Unknown'],
    [{ 'x-cursor-client-version': '1.2' }, 'Cursor'],
    [{ 'x-cursor-client-version': ' ' }, 'Unknown'],
    [{}, 'Unknown'],
  ])('or by a header: %j is %s', (headers, client) => {
    const userAgent = { 'user-agent': 'connect-es/1.6.1' };
    expect(detected({ ...userAgent, ...headers }).client).toBe(client);
  });
});

describe('O-5: the session is told by the client’s own means', () => {
  test.each([
    ['claude-cli/2', { 'x-claude-code-session-id': ' s1 ' }],
    ['codex/1', { session_id: 's1' }],
    ['mux/1', { 'x-mux-workspace-id': 's1' }],
    ['githubcopilotchat/1', { 'x-interaction-id': 's1' }],
    ['copilot/1', { 'x-client-session-id': 's1' }],
    ['kilo-code/1', { 'x-kilocode-taskid': 's1' }],
    ['coder-agents/1', { 'x-coder-chat-id': 's1' }],
  ])('%s: %j', (userAgent, headers) => {
    const seen = { 'user-agent': userAgent, ...headers };
    expect(detected(seen).sessionId).toBe('s1');
    expect(detected({ ...seen, 'user-agent': 'curl/8' }).sessionId).toBeNull();
  });

  test.each(['zed/1', 'roo-code/1', 'charm crush/1'])('%s names none', (userAgent) => {
    const headers = { 'user-agent': userAgent, session_id: 's1', 'x-interaction-id': 's1' };
    expect(detected(headers).sessionId).toBeNull();
  });

  test.each([
    ['its tail', 'user_abc_account_456_session_s1', 's1'],
    ['its tail from the first mark on', 'user_session_s1_session_s2', 's1_session_s2'],
    ['a member of the JSON in it', '{"device":"d","session_id":"s1"}', 's1'],
    ['nothing where that is empty, and no other', '{"session_id":"","x":"_session_s1"}', null],
    ['nothing without a mark', 'user_abc_account_456', null],
    ['nothing in a JSON without one', '{"device":"d"}', null],
    ['nothing in what is no text', 7, null],
  ])('of older Claude Code, in `metadata.user_id`: %s', (_, user_id, session) => {
    const headers = { 'user-agent': 'claude-cli/2', 'x-claude-code-session-id': ' ' };
    expect(detected(headers, { body: { metadata: { user_id } } }).sessionId).toBe(session);
  });

  test('the header of Claude Code goes before the body', () => {
    const headers = { 'user-agent': 'claude-cli/2', 'x-claude-code-session-id': 's1' };
    const body = { metadata: { user_id: 'u_session_s2' } };
    expect(detected(headers, { body }).sessionId).toBe('s1');
  });
});
