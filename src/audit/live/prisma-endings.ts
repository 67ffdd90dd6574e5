import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/index.ts';
import type { InterceptionFilter } from '../question/interception-filter.ts';
import type { Interception } from '../interceptions/interception-shape.ts';
import { conditions } from '../question/prisma-conditions.ts';
import { INTERCEPTION_JSON } from '../interceptions/prisma-interception-shape.ts';
import type { Scope } from '../question/scope.ts';

export interface Ending {
  readonly position: bigint;
  readonly interception: Interception;
}

export interface Endings {
  readonly items: readonly Ending[];
  /** Everything up to here has been looked at. */
  readonly position: bigint;
  /** There may be more right away. */
  readonly hasMore: boolean;
}

const ITEMS_MAX = 200;
/** How many endings are looked at at once, where few of them match. */
const WINDOW = 20_000n;

/** Reads interceptions in the order in which they ended, which is that of commits. */
@Injectable()
export class PrismaEndings {
  constructor(private readonly database: DatabaseService) {}

  /** The oldest and newest positions there are. */
  async range(): Promise<{ readonly oldest: bigint; readonly newest: bigint }> {
    const [row] = await this.database.client.$queryRaw<{ oldest: bigint; newest: bigint }[]>`
      SELECT coalesce(min(position), 0) AS oldest, coalesce(max(position), 0) AS newest
      FROM interception_endings`;
    return row ?? { oldest: 0n, newest: 0n };
  }

  async after(position: bigint, scope: Scope, filter: InterceptionFilter): Promise<Endings> {
    const { newest } = await this.range();
    const end = newest - position > WINDOW ? position + WINDOW : newest;
    const items = await this.database.client.$queryRaw<Ending[]>`
      SELECT e.position, ${INTERCEPTION_JSON} AS interception
      FROM interception_endings AS e JOIN interceptions AS i ON i.id = e.interception_id
      WHERE e.position > ${position} AND e.position <= ${end} AND ${conditions({ scope, filter })}
      ORDER BY e.position LIMIT ${ITEMS_MAX}`;
    const last = items.at(-1);
    const isFull = items.length === ITEMS_MAX && last !== undefined;
    return { items, position: isFull ? last.position : end, hasMore: isFull || end < newest };
  }
}
