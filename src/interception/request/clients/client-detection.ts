import type { Purpose } from '../../../recording/index.ts';
import type { ClientCall, KnownClient } from './known-client.ts';
import { KNOWN_CLIENTS } from './known-clients.ts';
import { COMMON_MACHINE_TEXT, type MachineText } from './machine-text.ts';
import { headerOf } from './marks.ts';

export interface DetectedClient {
  readonly client: string;
  readonly sessionId: string | null;
  /** What the call is for, as far as its client lets it be seen. A hint for readers, never a permission. */
  readonly purpose: Purpose;
  readonly machineText: readonly MachineText[];
}

const UNKNOWN: KnownClient = { label: 'Unknown' };

/** Calls that are of one purpose whoever makes them, by the end of their route. */
const PURPOSE_BY_ROUTE: readonly (readonly [string, Purpose])[] = [
  ['/messages/count_tokens', 'count_tokens'],
  ['/responses/input_tokens', 'count_tokens'],
  ['/responses/compact', 'compact'],
];

export function detectClient(call: ClientCall, route: string): DetectedClient {
  const userAgent = (call.headers['user-agent'] ?? '').toLowerCase();
  const client = KNOWN_CLIENTS.find((known) => isOf(known, userAgent, call)) ?? UNKNOWN;
  return {
    client: client.label,
    sessionId: sessionOf(client, call),
    purpose: purposeOf(client, call, route),
    machineText: [...(client.machineText ?? []), ...COMMON_MACHINE_TEXT],
  };
}

function isOf(known: KnownClient, userAgent: string, call: ClientCall): boolean {
  if (known.userAgent !== undefined && userAgent.startsWith(known.userAgent)) return true;
  if (known.header === undefined) return false;
  const value = headerOf(call, known.header.name);
  return known.header.value === undefined ? value !== undefined : value === known.header.value;
}

function sessionOf({ sessions = [] }: KnownClient, call: ClientCall): string | null {
  for (const source of sessions) {
    const found = source(call);
    if (found !== undefined) return found.trim() || null;
  }
  return null;
}

function purposeOf({ helpers = [] }: KnownClient, call: ClientCall, route: string): Purpose {
  const byRoute = PURPOSE_BY_ROUTE.find(([end]) => route.endsWith(end));
  return byRoute?.[1] ?? helpers.find(({ when }) => when(call))?.purpose ?? 'main';
}
