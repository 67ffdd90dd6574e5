import { USAGE_SUMS } from '../../core/usage-sums.ts';

/** What is counted apart. */
export const GROUP = [
  'provider_name',
  'model',
  'served_model',
  'client',
  'credential_kind',
  'credential_hint',
  'credential_fingerprint',
];

export interface GroupsMax {
  readonly person: number;
  readonly everybody: number;
}

/**
 * How many groups a day there are, of one person and of everybody together. People have a handful of
 * models, clients and keys: a hundred a day are there only if something makes names up. Everybody's
 * are some dozens, and an organisation's odd experiments; with a thousand, a year of hours stays
 * what a question reads in a moment. Nobody can take all the room of everybody, because what is
 * beyond a person's own is put together before it comes there.
 */
export const GROUPS_MAX: GroupsMax = { person: 100, everybody: 1_000 };

/** More than any vendor's are, and no more than has room in a key of the database. */
const NAMES_BYTES_MAX = 1_000;

const GROUP_LIST = GROUP.join(', ');

export const summed = USAGE_SUMS.map((sum) => `sum(${sum})::bigint AS ${sum}`).join(', ');

/** A condition: that nothing is left of the sums. */
export function isNothing(of: (sum: string) => string): string {
  return `(${USAGE_SUMS.map(of).join(', ')}) = (${USAGE_SUMS.map(() => '0').join(', ')})`;
}

/**
 * Parts of a WITH that make `name` of `from`: of a day of one initiator, groups that are more than
 * `max` become `other`. Sums stay what they are, only of what is no longer told.
 *
 * What is taken back has to be taken from where it was counted, rounds ago. So a group counts apart
 * for as long as it has a row of that day; and what was put together stays so, because a day that is
 * full never has room again: none of its rows goes, even when nothing is left in it.
 */
export function bounded(name: string, from: string, max: number): string {
  const ofDay = `t.initiator_id = g.initiator_id AND t.grain = 'day' AND t.starts_at = g.day`;
  const ofGroup = GROUP.map((column) => `t.${column} = g.${column}`).join(' AND ');
  return `
    ${name}_groups AS MATERIALIZED (
      SELECT g.*, had.is_there, g.fits AND NOT had.is_there AS is_new
      FROM (
        SELECT initiator_id, day, ${GROUP_LIST}, min(id) AS id,
          octet_length(model) + octet_length(served_model) <= ${NAMES_BYTES_MAX} AS fits
        FROM ${from} GROUP BY initiator_id, day, ${GROUP_LIST}) AS g
      CROSS JOIN LATERAL (
        SELECT count(*) > 0 AS is_there FROM usage_totals AS t WHERE ${ofDay} AND ${ofGroup}) AS had),
    ${name}_days AS MATERIALIZED (
      SELECT g.*, (SELECT count(*) FROM usage_totals AS t WHERE ${ofDay}) AS size
      FROM (SELECT DISTINCT initiator_id, day FROM ${name}_groups WHERE is_new) AS g),
    ${name}_apart AS MATERIALIZED (
      SELECT g.*, g.is_there OR g.is_new AND d.size + count(*) FILTER (WHERE g.is_new)
        OVER (PARTITION BY g.initiator_id, g.day ORDER BY g.id) <= ${max} AS is_apart
      FROM ${name}_groups AS g LEFT JOIN ${name}_days AS d USING (initiator_id, day)),
    ${name} AS MATERIALIZED (
      SELECT c.id, c.day, c.starts_at, c.initiator_id, c.provider_name,
        CASE WHEN is_apart THEN c.model ELSE 'other' END AS model,
        CASE WHEN is_apart OR c.served_model = '' THEN c.served_model ELSE 'other' END AS served_model,
        c.client, c.credential_kind,
        CASE WHEN ${IS_KEY_TOLD} THEN c.credential_hint ELSE '' END AS credential_hint,
        CASE WHEN ${IS_KEY_TOLD} THEN c.credential_fingerprint ELSE '' END AS credential_fingerprint,
        ${USAGE_SUMS.map((sum) => `c.${sum}`).join(', ')}
      FROM ${from} AS c JOIN ${name}_apart AS a USING (initiator_id, day, ${GROUP_LIST}))`;
}

/** There are few of the pool's. Callers can bring as many of their own as they like. */
const IS_KEY_TOLD = `is_apart OR c.credential_kind <> 'byok'`;
