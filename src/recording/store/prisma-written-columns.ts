import { Prisma } from '../../generated/prisma/client.ts';

/** The columns of records that this version knows, as the generated client names them. */
export const WRITTEN_COLUMNS: ReadonlySet<string> = new Set(
  [
    Prisma.InterceptionScalarFieldEnum,
    Prisma.AttemptScalarFieldEnum,
    Prisma.TokenUsageScalarFieldEnum,
    Prisma.PromptScalarFieldEnum,
    Prisma.ToolUsageScalarFieldEnum,
    Prisma.ToolInputScalarFieldEnum,
    Prisma.ThoughtScalarFieldEnum,
  ].flatMap((columns) => Object.keys(columns)),
);
