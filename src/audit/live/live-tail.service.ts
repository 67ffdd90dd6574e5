import { Injectable } from '@nestjs/common';
import { waited } from '../../core/waited.ts';
import { DatabaseError } from '../../database/index.ts';
import { EndingsBellService } from './endings-bell.service.ts';
import type { InterceptionFilter } from '../question/interception-filter.ts';
import { liveEventId } from './live-event-id.ts';
import { PrismaEndings, type Ending, type Endings } from './prisma-endings.ts';
import { queryFailure } from '../http/query-failure.ts';
import type { Scope } from '../question/scope.ts';
import type { SseMessage, SseResponse } from '../http/sse-response.ts';

/** Where a tail begins, and whether something before that is lost to it. */
export interface TailStart {
  readonly position: bigint;
  readonly hasGap: boolean;
}

export interface TailQuestion {
  readonly scope: Scope;
  readonly filter: InterceptionFilter;
}

/** Between two queries, however quiet it is. */
const LOOK_MS = 15_000;
/** Between two queries for one reader, however often something ends. */
const PAUSE_MS = 100;
const RETRY_MS = 1_000;

/** Follows the order of endings for one reader: nothing twice, nothing left out, across replicas. */
@Injectable()
export class LiveTailService {
  constructor(
    private readonly endings: PrismaEndings,
    private readonly bell: EndingsBellService,
  ) {}

  /** After the event that a reader had last; now, for one that begins. */
  async start(after: bigint | undefined): Promise<TailStart> {
    const { oldest, newest } = await this.endings.range();
    if (after === undefined || after > newest)
      return { position: newest, hasGap: after !== undefined };
    return { position: after, hasGap: after + 1n < oldest };
  }

  /** Until the reader goes or the process stops. */
  async follow(stream: SseResponse, start: TailStart, question: TailQuestion): Promise<void> {
    if (start.hasGap) await stream.send([GAP]);
    let { position } = start;
    await stream.begin(liveEventId(position));
    while (!stream.signal.aborted) {
      const { rings } = this.bell;
      const found = await this.#after(position, question);
      if (found === undefined) {
        await waited(RETRY_MS, stream.signal);
        continue;
      }
      position = found.position;
      await stream.send(found.items.map(toMessage));
      stream.reached(liveEventId(position));
      if (!found.hasMore) await this.#wait(rings, stream.signal);
    }
    stream.end();
  }

  /** Until something has ended, and now and then even so: the bell is deaf while it reconnects. */
  async #wait(rings: number, signal: AbortSignal): Promise<void> {
    await waited(PAUSE_MS, signal);
    await this.bell.rangAfter(rings, LOOK_MS, signal);
  }

  /** Undefined while the database is away: the reader need not know, nothing is lost. */
  async #after(position: bigint, { scope, filter }: TailQuestion): Promise<Endings | undefined> {
    try {
      return await this.endings.after(position, scope, filter);
    } catch (error) {
      if (error instanceof DatabaseError || queryFailure(error) !== undefined) return undefined;
      throw error;
    }
  }
}

const GAP: SseMessage = {
  event: 'gap',
  data: { message: 'Records that ended since that event are no longer remembered in their order.' },
};

function toMessage({ position, interception }: Ending): SseMessage {
  return { event: 'interception', id: liveEventId(position, interception.id), data: interception };
}
