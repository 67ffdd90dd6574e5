import { Injectable } from '@nestjs/common';
import { waited } from '../../core/waited.ts';
import { EndingsBellService } from './endings-bell.service.ts';
import { liveEventId } from './live-event-id.ts';
import { isAhead, mayLack, type Place } from './place.ts';
import { PrismaEndings, type Ending } from './prisma-endings.ts';
import type { Question } from '../question/prisma-conditions.ts';
import type { SseMessage, SseResponse } from '../http/sse-response.ts';
import { unlessAway } from './unless-away.ts';

/** Where a tail begins, and whether something before that may be lost to it. */
export interface TailStart {
  readonly place: Place;
  /** What had been purged by then. */
  readonly purgedTo: bigint;
  readonly hasGap: boolean;
}

/** Between two queries for one reader, however often something ends. */
const PAUSE_MS = 100;
const RETRY_MS = 1_000;

/** Follows the endings for one reader: nothing twice, nothing left out, across replicas. */
@Injectable()
export class LiveTailService {
  constructor(
    private readonly endings: PrismaEndings,
    private readonly bell: EndingsBellService,
  ) {}

  /** After the event that a reader had last; now, for one that begins. */
  async start(after: Place | undefined): Promise<TailStart> {
    const { now, purgedTo } = await this.endings.look(undefined, 0);
    if (after === undefined) return { place: { seen: now }, purgedTo, hasGap: false };
    const isLost = isAhead(after, now);
    const hasGap = isLost || mayLack(after, purgedTo);
    return { place: isLost ? { seen: now } : after, purgedTo, hasGap };
  }

  /** Until the reader goes or the process stops. */
  async follow(stream: SseResponse, start: TailStart, question: Question): Promise<void> {
    if (start.hasGap) await stream.send([GAP]);
    let { place, purgedTo } = start;
    await stream.begin(liveEventId(place));
    while (!stream.signal.aborted) {
      const { rings } = this.bell;
      const page = await unlessAway(() => this.endings.after(place, question));
      if (page === undefined) {
        await waited(RETRY_MS, stream.signal);
        continue;
      }
      const isPurged = page.purgedTo > purgedTo && mayLack(place, page.purgedTo);
      if (page.isLost || isPurged) await stream.send([GAP]);
      await stream.send(page.items.map(toMessage));
      ({ place, purgedTo } = page);
      stream.reached(liveEventId(place));
      if (!page.hasMore) await this.#wait(rings, stream.signal);
    }
    stream.end();
  }

  /** Until something has ended. */
  async #wait(rings: number, signal: AbortSignal): Promise<void> {
    await waited(PAUSE_MS, signal);
    await this.bell.rangAfter(rings, signal);
  }
}

const GAP: SseMessage = {
  event: 'gap',
  data: { message: 'Records that ended since that event may be missing here; lists have them.' },
};

function toMessage({ place, interception }: Ending): SseMessage {
  return { event: 'interception', id: liveEventId(place), data: interception };
}
