import { errorText } from '../core/errors.ts';
import { atAuditPlace, say } from './audit-place.ts';
import { PrismaRecordStore } from './store/prisma-record-store.ts';
import { Replay } from './writer/replay.ts';

/**
 * `npm run audit:replay`: stores what was set aside, now that the cause may be gone, with the bridge
 * running or not. What still cannot be stored stays set aside: exits 1 when there is such.
 */
const EXIT_KEPT = 1;
const EXIT_NOT_REPLAYED = 2;

try {
  const { stored, kept } = await atAuditPlace(({ prisma, root }) =>
    new Replay(new PrismaRecordStore(prisma), root).run(),
  );
  say(`stored: ${stored}`);
  for (const [reason, count] of kept) say(`still set aside: ${count}: ${reason}`);
  if (kept.size > 0) process.exitCode = EXIT_KEPT;
} catch (error) {
  say(`not replayed: ${errorText(error)}`);
  process.exitCode = EXIT_NOT_REPLAYED;
}
