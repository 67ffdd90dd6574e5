export { DatabaseError } from './connection/database-error.ts';
export type { DatabaseErrorCode } from './connection/database-error.ts';
export { DatabaseModule } from './database.module.ts';
export { DatabaseService } from './database.service.ts';
export type { DatabaseState } from './database.ts';
export { leave } from './connection/leave.ts';
export { Listener } from './listener.ts';
export { runningEmbeddedUrl } from './embedded/embedded-postgres.ts';
export { createPrismaClient } from './connection/prisma-client.ts';
