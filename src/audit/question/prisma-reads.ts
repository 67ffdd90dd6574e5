import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { DatabaseService, type Read } from '../../database/index.ts';
import type { PrismaClient } from '../../generated/prisma/client.ts';

/** How many seconds what an answer says is behind at most; only where a standby has answered. */
const LAG_HEADER = 'x-aibridge-lag-seconds';

/** Told by every question how far behind its answer is, on behalf of the request that it is asked for. */
const answering = new AsyncLocalStorage<(behindMs: number) => void>();

/** Has the answer to a request say how far behind it is, by that of its parts which is furthest. */
export function sayLag(_req: unknown, res: ServerResponse, next: () => void): void {
  let furthestMs = 0;
  answering.run((behindMs) => {
    furthestMs = Math.max(furthestMs, behindMs);
    if (!res.headersSent) res.setHeader(LAG_HEADER, (furthestMs / 1_000).toFixed(3));
  }, next);
}

type Question<T> = (client: PrismaClient) => Promise<T>;

/** Asks what a standby may answer. */
@Injectable()
export class PrismaReads {
  constructor(private readonly database: DatabaseService) {}

  async ask<T>(question: Question<T>): Promise<T> {
    return (await this.#read(question)).answer;
  }

  /** What a standby does not have yet may be there all the same. */
  async find<T>(question: Question<T | undefined>): Promise<T | undefined> {
    const { answer, behindMs } = await this.#read(question);
    return answer ?? (behindMs === undefined ? undefined : question(this.database.client));
  }

  async #read<T>(question: Question<T>): Promise<Read<T>> {
    const read = await this.database.read(question);
    if (read.behindMs !== undefined) answering.getStore()?.(read.behindMs);
    return read;
  }
}
