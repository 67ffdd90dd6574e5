import { Injectable } from '@nestjs/common';
import { uuidv7 } from '../../core/ids.ts';
import { DatabaseService } from '../../database/index.ts';
import type { KeyEvent as KeyEventRow } from '../../generated/prisma/client.ts';
import { KeyClock } from '../key/key-clock.ts';
import { scopeFrom } from './key-state-rows.ts';
import { CHANNEL, PostgresKeyStateSession } from './key-state-session.ts';
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
  #session: PostgresKeyStateSession | undefined;

  constructor(
    private readonly database: DatabaseService,
    private readonly clock: KeyClock,
  ) {
    super();
    this.#sender = this.#newId();
    database.listen(CHANNEL, (payload) => this.#session?.hear(payload));
  }

  override get ready(): Promise<void> {
    return this.database.ready;
  }

  override async connect(listener: KeyStateListener): Promise<KeyStateSession> {
    const session = await this.database.session;
    const options = { session, sender: this.#sender, newEventId: () => this.#newId() };
    this.#session = new PostgresKeyStateSession(options, listener);
    return this.#session;
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
