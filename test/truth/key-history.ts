import type { AuditRow } from '../support/audit-tables.ts';
import type { TruthSystem } from './truth-system.ts';

/** What bridges say that they did with the keys of the providers that differences are about. */
export async function keyHistory(
  { tables }: TruthSystem,
  differences: readonly string[],
): Promise<string> {
  const providers = new Set(differences.flatMap((text) => /\bp\d+\b/.exec(text)?.[0] ?? []));
  const events = await tables.rows(
    'SELECT * FROM key_events WHERE provider = ANY ($1) ORDER BY provider, at, id',
    [[...providers]],
  );
  return ['  the keys meanwhile:', ...events.map(lineOf)].join('\n');
}

function lineOf(event: AuditRow): string {
  const { at, provider, hint, scope, previous_state: before, state, reason } = event;
  const cooldownMs = event['cooldown_ms'];
  const cooldown = typeof cooldownMs === 'number' ? ` for ${cooldownMs}ms` : '';
  return [
    `    ${at instanceof Date ? at.toISOString().slice(11, 23) : ''}`,
    String(provider),
    String(hint).slice(-4),
    scope === '' ? '*' : scope,
    `${String(before)} -> ${String(state)}${cooldown} (${String(reason)})`,
    `by ${String(event['changed_by']).slice(-4)}`,
  ].join(' ');
}
