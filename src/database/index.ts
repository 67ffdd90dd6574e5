export { DatabaseError } from './connection/database-error.ts';
export type { DatabaseErrorCode } from './connection/database-error.ts';
export { DatabaseModule } from './database.module.ts';
export { DatabaseService } from './database.service.ts';
export type { DatabaseState, Read, ReadingState } from './database.ts';
export { LATE_LIMITS } from './connection/limits.ts';
export { runningEmbeddedUrl } from './embedded/embedded-postgres.ts';
export { createPrismaClient } from './connection/prisma-client.ts';
