import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import type { InterceptionFilter } from './interception-filter.ts';
import { kindConditions } from './prisma-conditions.ts';

/** More than an organisation has; callers who make up names of models can make them many. */
const KINDS_MAX = 20_000;

/** The kinds of interceptions that a filter leaves. Undefined: all of them, or too many to name. */
export async function kindsOf(
  client: PrismaClient,
  filter: InterceptionFilter,
): Promise<readonly string[] | undefined> {
  const matching = kindConditions(filter);
  if (matching === undefined) return undefined;
  const [row] = await client.$queryRaw<{ ids: string[] }[]>`
    SELECT ARRAY(SELECT i.id::text FROM interception_kinds AS i WHERE ${matching}
      LIMIT ${Prisma.raw(String(KINDS_MAX + 1))}) AS ids`;
  const ids = row?.ids ?? [];
  return ids.length > KINDS_MAX ? undefined : ids;
}
