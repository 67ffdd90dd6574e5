import { timeOf } from './evidence.ts';
import type { LoopAccount } from './loop-account.ts';
import { idOf } from './tool-loops.ts';
import type { Known } from './window.ts';

/** One request from all sides, for whoever has to find out which of them is wrong. */
export function reportOf(
  { request, seen, calls, rows, attempts, life, loop }: Known,
  found: readonly string[],
): string {
  const { userAgent, api, mode, own, leave } = request;
  const what = `${userAgent} ${request.provider.name} ${api.title} ${mode}`;
  const called = calls.map(({ key, behaviour, sent, outcome, receivedAtMs, endedAtMs }, index) =>
    [
      String(key).slice(-4),
      behaviour,
      sent.status,
      `${sent.bytes.length}B`,
      outcome,
      `${Math.round((endedAtMs ?? 0) - receivedAtMs)}ms`,
      `from ${Math.round(receivedAtMs - timeOf(attempts[index]?.['started_at']))}ms on`,
    ].join(' '),
  );
  const audited = attempts.map((attempt) =>
    [
      new Date(timeOf(attempt['started_at'])).toISOString().slice(11, 23),
      String(attempt['credential_hint']).slice(-4),
      attempt['outcome'],
      attempt['status'],
      `${String(attempt['duration_ms'])}ms`,
      attempt['error'],
    ].join(' '),
  );
  const killed = life.killedAtMs - seen.endedAtMs;
  return [
    `${what}${own === undefined ? '' : ' own key'}${leave ? ` leaves ${JSON.stringify(leave)}` : ''}`,
    `  differs: ${found.join('; ')}`,
    `  client: ${[seen.kind, seen.status, `${seen.bytes.length}B`].join(' ')}${
      Number.isFinite(killed) ? `, bridge killed ${Math.round(killed)}ms after` : ''
    }`,
    `  provider: ${called.join(', ')}`,
    `  audit: ${rows.map((row) => [row['status'], row['error_type'], row['notes']].join(' ')).join(' | ')} [${audited.join(', ')}]`,
    ...(loop ? [`  tools: ${loop.runs.map(idOf).join(' ')}; audit: ${toldOf(loop)}`] : []),
  ].join('\n');
}

function toldOf({ tools, usages }: LoopAccount): string {
  const rows = tools.map((row) =>
    [row['tool_call_id'], `${String(row['duration_ms'])}ms`, row['error']].join(' '),
  );
  return `[${rows.join(', ')}], ${usages.length} usages`;
}
