import { createHash } from 'node:crypto';
import { mkdir, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { tryLockDirectory } from '../../core/directory-lock.ts';
import type { RecordEvent } from '../journal/events.ts';
import { SET_ASIDE } from '../journal/journal-directories.ts';
import { decodeLine } from '../journal/journal-line.ts';
import { linesOf } from '../journal/line-file.ts';
import { keepLine, REPLAYING, takeSetAside } from '../journal/set-aside-files.ts';
import type { RecordStore, StoreFailure } from '../store/record-store.ts';

export interface Replayed {
  readonly stored: number;
  /** What has to stay, by the reason. */
  readonly kept: ReadonlyMap<string, number>;
}

/** Why a line stays, or nothing when it is stored. */
type Reason = string | undefined;

/**
 * Brings in what was set aside, each line once, in the order in which it was put there: storing it
 * again changes nothing, and it goes from the disk only when the store has it or it is set aside
 * anew. One that dies is carried on by the next; two at once there are not.
 */
export class Replay {
  #stored = 0;
  /** Of records whose start was stored: nobody else may know that these processes are gone. */
  readonly #instances = new Set<string>();

  constructor(
    private readonly store: RecordStore,
    private readonly root: string,
  ) {}

  /** Rejects when the store is away; the rest is there for the next time. */
  async run(): Promise<Replayed> {
    const place = join(this.root, SET_ASIDE, REPLAYING);
    await mkdir(place, { recursive: true, mode: 0o700 });
    const lock = tryLockDirectory(place);
    if (lock === undefined) throw new Error('somebody else is at it');
    try {
      // A start that is stored may be what an end before it was waiting for.
      for (;;) {
        const before = this.#stored;
        const kept = await this.#storeAll();
        if (kept.size > 0 && this.#stored > before) continue;
        for (const instanceId of this.#instances) await this.store.closeForgotten(instanceId);
        return { stored: this.#stored, kept };
      }
    } finally {
      lock.release();
    }
  }

  async #storeAll(): Promise<Map<string, number>> {
    const kept = new Map<string, number>();
    const again = new Set<string>();
    for (const file of await takeSetAside(this.root)) {
      const [instanceId = ''] = basename(file).split(/[.~]/);
      for await (const line of linesOf(file)) {
        const reason = await this.#storeLine(line);
        // One that died after it had set a line aside anew has left it here as well.
        const digest = createHash('sha256').update(line).digest('base64');
        if (reason === undefined || again.has(digest)) continue;
        again.add(digest);
        await keepLine(this.root, instanceId, line);
        kept.set(reason, (kept.get(reason) ?? 0) + 1);
      }
      await unlink(file);
    }
    return kept;
  }

  async #storeLine(line: Buffer): Promise<Reason> {
    const decoded = decodeLine(line.toString());
    if (decoded.kind === 'damaged') return 'damaged: nobody can read it';
    if (decoded.kind === 'unknown_version') return `of the journal's version ${decoded.version}`;
    const failure = await this.store.store([decoded.event]);
    if (failure === undefined) this.#isStored(decoded.event);
    return failure === undefined ? undefined : reasonToStay(failure);
  }

  #isStored(event: RecordEvent): void {
    this.#stored += 1;
    if (event.kind === 'start') this.#instances.add(event.instanceId);
  }
}

function reasonToStay({ kind, reason }: StoreFailure): string {
  if (kind === 'unavailable' || kind === 'unanswered') {
    throw new Error(`the database does not take records: ${reason}`);
  }
  return reason;
}
