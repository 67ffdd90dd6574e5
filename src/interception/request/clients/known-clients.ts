import { CLAUDE_CODE } from './claude-code.ts';
import { CODEX } from './codex.ts';
import type { KnownClient } from './known-client.ts';
import { inHeader } from './marks.ts';

/** Spec 06 §3 and §4; the first that matches counts. */
export const KNOWN_CLIENTS: readonly KnownClient[] = [
  { label: 'Mux', userAgent: 'mux/', sessions: [inHeader('x-mux-workspace-id')] },
  CLAUDE_CODE,
  CODEX,
  { label: 'Zed', userAgent: 'zed/' },
  {
    label: 'GitHub Copilot (VS Code)',
    userAgent: 'githubcopilotchat/',
    sessions: [inHeader('x-interaction-id')],
  },
  {
    label: 'GitHub Copilot (CLI)',
    userAgent: 'copilot/',
    sessions: [inHeader('x-client-session-id')],
  },
  {
    label: 'Kilo Code',
    userAgent: 'kilo-code/',
    header: { name: 'originator', value: 'kilo-code' },
    sessions: [inHeader('x-kilocode-taskid')],
  },
  {
    label: 'Roo Code',
    userAgent: 'roo-code/',
    header: { name: 'originator', value: 'roo-code' },
  },
  { label: 'Coder Agents', userAgent: 'coder-agents/', sessions: [inHeader('x-coder-chat-id')] },
  { label: 'Charm Crush', userAgent: 'charm crush/' },
  { label: 'Cursor', header: { name: 'x-cursor-client-version' } },
];
