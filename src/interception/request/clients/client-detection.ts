import type { IncomingHttpHeaders } from 'node:http';
import { isObject, objectAt, parseObject, stringAt, type JsonObject } from '../../../core/json.ts';

export interface DetectedClient {
  readonly client: string;
  readonly sessionId: string | null;
}

interface KnownClient {
  readonly label: string;
  readonly matches: (userAgent: string, headers: IncomingHttpHeaders) => boolean;
  /** Only the client's own way of naming a session counts. */
  readonly session?: (
    headers: IncomingHttpHeaders,
    body: JsonObject | undefined,
  ) => string | undefined;
}

const startsWith =
  (prefix: string) =>
  (userAgent: string): boolean =>
    userAgent.startsWith(prefix);
const fromOriginator =
  (prefix: string, originator: string) =>
  (userAgent: string, headers: IncomingHttpHeaders): boolean =>
    userAgent.startsWith(prefix) || headers['originator'] === originator;
const inHeader =
  (name: string) =>
  (headers: IncomingHttpHeaders): string | undefined =>
    single(headers[name]);

/** Spec 06 §3 and §4; the first that matches the lower-cased user agent wins. */
const CLIENTS: readonly KnownClient[] = [
  { label: 'Mux', matches: startsWith('mux/'), session: inHeader('x-mux-workspace-id') },
  { label: 'Claude Code', matches: startsWith('claude'), session: claudeCodeSession },
  { label: 'Codex', matches: startsWith('codex'), session: inHeader('session_id') },
  { label: 'Zed', matches: startsWith('zed/') },
  {
    label: 'GitHub Copilot (VS Code)',
    matches: startsWith('githubcopilotchat/'),
    session: inHeader('x-interaction-id'),
  },
  {
    label: 'GitHub Copilot (CLI)',
    matches: startsWith('copilot/'),
    session: inHeader('x-client-session-id'),
  },
  {
    label: 'Kilo Code',
    matches: fromOriginator('kilo-code/', 'kilo-code'),
    session: inHeader('x-kilocode-taskid'),
  },
  { label: 'Roo Code', matches: fromOriginator('roo-code/', 'roo-code') },
  {
    label: 'Coder Agents',
    matches: startsWith('coder-agents/'),
    session: inHeader('x-coder-chat-id'),
  },
  { label: 'Charm Crush', matches: startsWith('charm crush/') },
  {
    label: 'Cursor',
    matches: (_userAgent, headers) => single(headers['x-cursor-client-version']) !== undefined,
  },
];

export function detectClient(
  headers: IncomingHttpHeaders,
  body: JsonObject | undefined,
): DetectedClient {
  const userAgent = (headers['user-agent'] ?? '').toLowerCase();
  const known = CLIENTS.find((candidate) => candidate.matches(userAgent, headers));
  return {
    client: known?.label ?? 'Unknown',
    sessionId: known?.session?.(headers, body)?.trim() || null,
  };
}

const LEGACY_SESSION_MARK = '_session_';

/** Newer versions name the session in a header or as JSON in `metadata.user_id`, older ones as its tail. */
function claudeCodeSession(
  headers: IncomingHttpHeaders,
  body: JsonObject | undefined,
): string | undefined {
  const header = single(headers['x-claude-code-session-id']);
  if (header !== undefined) return header;
  const userId = stringAt(objectAt(body, 'metadata'), 'user_id') ?? '';
  const parsed = parseObject(userId);
  if (isObject(parsed) && 'session_id' in parsed) return stringAt(parsed, 'session_id');
  const mark = userId.indexOf(LEGACY_SESSION_MARK);
  return mark < 0 ? undefined : userId.slice(mark + LEGACY_SESSION_MARK.length);
}

function single(value: string | readonly string[] | undefined): string | undefined {
  const text = typeof value === 'string' ? value : value?.[0];
  return text?.trim() ? text.trim() : undefined;
}
