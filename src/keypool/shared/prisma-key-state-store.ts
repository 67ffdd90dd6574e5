import { Injectable } from '@nestjs/common';
import { Clock } from '../../core/clock.ts';
import { uuidv7 } from '../../core/ids.ts';
import { DatabaseService, leave } from '../../database/index.ts';
import type { KeyEvent as KeyEventRow } from '../../generated/prisma/client.ts';
import { scopeFrom } from './key-state-rows.ts';
import { PostgresKeyStateSession } from './key-state-session.ts';
import {
  type KeyEvent,
  type KeyEventQuery,
  type KeyName,
  type KeyStateListener,
  type KeyStateSession,
  KeyStateStore,
} from '../pool/key-state-store.ts';

@Injectable()
export class PrismaKeyStateStore extends KeyStateStore {
  readonly #sender: string;

  constructor(
    private readonly database: DatabaseService,
    private readonly clock: Clock,
  ) {
    super();
    this.#sender = this.#newId();
  }

  override get ready(): Promise<void> {
    return this.database.ready;
  }

  override connect(listener: KeyStateListener): Promise<KeyStateSession> {
    return PostgresKeyStateSession.open(
      { url: this.database.url, sender: this.#sender, newEventId: () => this.#newId(), leave },
      listener,
    );
  }

  override async claimCheck(key: KeyName, withinMs: number): Promise<boolean> {
    const claimed = await this.database.client.$executeRaw`
      UPDATE key_states SET checked_at = now()
      WHERE provider = ${key.provider} AND fingerprint = ${key.fingerprint}
        AND (checked_at IS NULL OR checked_at < now() - make_interval(secs => ${withinMs / 1_000}))`;
    return claimed > 0;
  }

  override async events(query: KeyEventQuery): Promise<readonly KeyEvent[]> {
    const { providers, fingerprints, beforeId, limit } = query;
    const rows = await this.database.client.keyEvent.findMany({
      where: {
        ...(providers.length > 0 && { provider: { in: [...providers] } }),
        ...(fingerprints.length > 0 && { fingerprint: { in: [...fingerprints] } }),
        ...(beforeId !== undefined && { id: { lt: beforeId } }),
      },
      orderBy: { id: 'desc' },
      take: limit,
    });
    return rows.map(eventFrom);
  }

  #newId(): string {
    return uuidv7(this.clock.nowMs());
  }
}

function eventFrom({ scope, coolingUntil, at, ...row }: KeyEventRow): KeyEvent {
  return {
    ...row,
    scope: scopeFrom(scope),
    coolingUntilMs: coolingUntil?.getTime() ?? null,
    atMs: at.getTime(),
  };
}
