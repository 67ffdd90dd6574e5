export { DatabaseError } from './database-error.ts';
export type { DatabaseErrorCode } from './database-error.ts';
export { DatabaseModule } from './database.module.ts';
export { DatabaseService } from './database.service.ts';
export type { DatabaseState } from './database.ts';
export { leave } from './leave.ts';
export { Listener } from './listener.ts';
export { runningEmbeddedUrl } from './embedded-postgres.ts';
export { createPrismaClient } from './prisma-client.ts';
