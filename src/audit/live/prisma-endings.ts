import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/index.ts';
import { Prisma } from '../../generated/prisma/client.ts';
import type { Interception } from '../interceptions/interception-shape.ts';
import { INTERCEPTION_JSON } from '../interceptions/prisma-interception-shape.ts';
import { conditions, type Question } from '../question/prisma-conditions.ts';
import {
  isAhead,
  parseSnapshot,
  placeAfter,
  type EndingKey,
  type Place,
  type Snapshot,
} from './place.ts';

export interface Ending {
  /** Where a reader is who has been shown it. */
  readonly place: Place;
  readonly interception: Interception;
}

/** What one statement sees that a reader has not seen. */
export interface Look {
  readonly now: Snapshot;
  /** Whatever has been purged was written by this transaction or an earlier one; 0 while nothing has. */
  readonly purgedTo: bigint;
  /** In order: not all of it, if there are many. */
  readonly endings: readonly (EndingKey & { readonly interceptionId: string })[];
}

export interface EndingsPage {
  readonly items: readonly Ending[];
  /** Everything up to here has been looked at. */
  readonly place: Place;
  readonly purgedTo: bigint;
  /** The database has never come to the place that was asked from: it goes on from where it is. */
  readonly isLost: boolean;
  /** There may be more right away. */
  readonly hasMore: boolean;
}

const ITEMS_MAX = 200;
/** How many endings are looked at at once, where few of them match. */
const WINDOW = 2_000;

/**
 * Reads interceptions as their endings become visible. Asks the primary server: a standby does not
 * tell which transactions are running.
 */
@Injectable()
export class PrismaEndings {
  constructor(private readonly database: DatabaseService) {}

  /** At what is unseen from a place; without one, at nothing but where the database is now. */
  async look(place: Place | undefined, limit: number): Promise<Look> {
    const [row] = await this.database.client.$queryRaw<LookRow[]>(lookSql(place, limit));
    if (row === undefined) throw new Error('a look at the endings sees nothing at all');
    return {
      now: parseSnapshot(row.snapshot),
      purgedTo: row.purgedTo,
      endings: row.endings.map(([transaction, position, interceptionId]) => ({
        transaction: BigInt(transaction),
        position: BigInt(position),
        interceptionId,
      })),
    };
  }

  async after(place: Place, question: Question, window = WINDOW): Promise<EndingsPage> {
    const { now, purgedTo, endings } = await this.look(place, window);
    if (isAhead(place, now)) {
      return { items: [], place: { seen: now }, purgedTo, isLost: true, hasMore: false };
    }
    const found = await this.#found(endings, question);
    const reachedBy = (key: EndingKey): Place => placeAfter(place, now, key);
    const items = found.map(({ ending, interception }) => ({
      place: reachedBy(ending),
      interception,
    }));
    const isFull = found.length === ITEMS_MAX;
    const last = isFull ? found.at(-1)?.ending : endings[window - 1];
    const reached = last === undefined ? { seen: now } : reachedBy(last);
    return { items, place: reached, purgedTo, isLost: false, hasMore: last !== undefined };
  }

  async #found(endings: Look['endings'], question: Question): Promise<Found[]> {
    if (endings.length === 0) return [];
    const ids = endings.map(({ interceptionId }) => interceptionId);
    const rows = await this.database.client.$queryRaw<FoundRow[]>(foundSql(ids, question));
    return rows.flatMap(({ n, interception }) => {
      const ending = endings[Number(n) - 1];
      return ending === undefined ? [] : [{ ending, interception }];
    });
  }
}

interface Found {
  readonly ending: EndingKey;
  readonly interception: Interception;
}

interface LookRow {
  readonly snapshot: string;
  readonly purgedTo: bigint;
  readonly endings: readonly (readonly [string, string, string])[];
}

/**
 * The transactions that a snapshot does not see are those that were running, few, and all that came
 * after: each is a piece of the primary key, however long one of them has been running. The rest of
 * the one that was seen in part is first. Endings of transactions that are still to come are of a
 * server from which this one was restored.
 */
export function lookSql(place: Place | undefined, limit: number): Prisma.Sql {
  const { end, running } = place?.seen ?? { end: null, running: [] };
  const isAnother = Prisma.sql`transaction IS DISTINCT FROM ${place?.last?.transaction ?? null}::bigint`;
  return Prisma.sql`
    WITH now AS MATERIALIZED (SELECT pg_current_snapshot() AS snapshot),
    unseen AS MATERIALIZED (
      SELECT * FROM (
      (SELECT e.* FROM unnest(${running.map(String)}::text[]::bigint[]) AS was_running(transaction)
       CROSS JOIN LATERAL (
         SELECT * FROM interception_endings AS e
         WHERE e.transaction = was_running.transaction AND ${isLater(place?.last)}
         ORDER BY e.position LIMIT ${limit}) AS e)
      UNION ALL
      (SELECT * FROM interception_endings AS e
       WHERE e.transaction >= ${end}::bigint AND ${isLater(place?.last)}
         AND e.transaction < (SELECT pg_snapshot_xmax(snapshot)::text::bigint FROM now)
       ORDER BY e.transaction, e.position LIMIT ${limit})
      ) AS either ORDER BY ${isAnother}, transaction, position LIMIT ${limit})
    SELECT now.snapshot::text AS snapshot,
      coalesce((SELECT min(transaction) FROM interception_endings), 0) AS "purgedTo",
      (SELECT coalesce(json_agg(json_build_array(transaction::text, position::text, interception_id)
        ORDER BY ${isAnother}, transaction, position), '[]') FROM unseen) AS endings
    FROM now`;
}

function isLater(last: EndingKey | undefined): Prisma.Sql {
  if (last === undefined) return Prisma.sql`true`;
  const { transaction, position } = last;
  return Prisma.sql`NOT (e.transaction = ${transaction}::bigint AND e.position <= ${position}::bigint)`;
}

interface FoundRow {
  /** The place in the list, from 1. */
  readonly n: bigint;
  readonly interception: Interception;
}

/**
 * Those of a list that match, in its order. Each is looked up by its id, and ids that are close to one
 * another keep all partitions but theirs out of the plan.
 */
export function foundSql(ids: readonly string[], question: Question): Prisma.Sql {
  const ascending = ids.toSorted();
  return Prisma.sql`
    SELECT e.n, ${INTERCEPTION_JSON} AS interception
    FROM (SELECT * FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS given(id, n) ORDER BY n) AS e
    CROSS JOIN LATERAL (
      SELECT * FROM interceptions AS i WHERE i.id = e.id
        AND i.id BETWEEN ${ascending[0]}::uuid AND ${ascending.at(-1)}::uuid
        AND ${conditions(question)} LIMIT 1) AS i
    ORDER BY e.n LIMIT ${ITEMS_MAX}`;
}
