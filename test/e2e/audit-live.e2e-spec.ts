import { afterEach, beforeEach, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import type { RecordEvent, StartEvent } from '../../src/recording/events.ts';
import { aStart, anEnd } from '../support/record-events.ts';
import { until } from '../support/until.ts';
import {
  ALICE,
  AUDITOR,
  BOB,
  startAuditSystem,
  type AuditSystem,
  type Person,
} from './audit-system.ts';

let audit: AuditSystem;
let tails: Tail[] = [];

beforeEach(async () => {
  audit = await startAuditSystem();
});

afterEach(async () => {
  for (const tail of tails) tail.leave();
  tails = [];
  await audit.stop();
});

/** What a browser's EventSource would see. */
class Tail {
  text = '';
  isOver = false;
  readonly #leaving = new AbortController();

  static async open(query = '', person: Person = AUDITOR, lastEventId?: string): Promise<Tail> {
    const tail = new Tail();
    tails.push(tail);
    const res = await fetch(`${audit.bridge.url}/api/v1/interceptions/live${query}`, {
      headers: {
        'x-forwarded-user': person.id,
        'x-forwarded-groups': person.group ?? '',
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
      signal: tail.#leaving.signal,
    });
    const type = res.headers.get('content-type') ?? '';
    if (!type.startsWith('text/event-stream')) throw new Error(`${res.status} ${type}`);
    void tail.#read(res);
    // The first bytes say that the tail has begun: what ends from here on is seen.
    await until('the tail has begun', () => (tail.text === '' ? undefined : true));
    return tail;
  }

  get ids(): string[] {
    return [...this.#events.matchAll(/^data: (.*)$/gm)].map(([, data]) =>
      String(Object(JSON.parse(data ?? '')).id),
    );
  }

  get eventIds(): string[] {
    return [...this.#events.matchAll(/^id: (.*)$/gm)].map(([, id]) => id ?? '');
  }

  /** What has come as a whole; the last event may still be under way. */
  get #events(): string {
    return this.text.slice(0, this.text.lastIndexOf('\n\n') + 1);
  }

  async has(count: number): Promise<string[]> {
    await until(`${count} events`, () => (this.ids.length >= count ? true : undefined));
    return this.ids;
  }

  leave(): void {
    this.#leaving.abort();
  }

  async #read(res: Response): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const bytes of res.body ?? []) this.text += decoder.decode(bytes);
    } catch {
      // left
    }
    this.isOver = true;
  }
}

function ended(facts: Partial<StartEvent> = {}): { id: string; events: RecordEvent[] } {
  const id = uuidv7(Date.now());
  return { id, events: [aStart({ id, at: Date.now(), ...facts }), anEnd({ id, at: Date.now() })] };
}

it('shows records as they end, in that order, whoever writes them', async () => {
  const tail = await Tail.open();
  const [first, second, open] = [ended(), ended(), uuidv7(Date.now())];
  await audit.store(aStart({ id: open }), ...second.events);
  await audit.store(...first.events);
  await audit.store(anEnd({ id: open }));
  expect(await tail.has(3)).toEqual([second.id, first.id, open]);
});

it('takes the filters of a list, and shows a member their own only', async () => {
  const ofCodex = await Tail.open('?client=Codex');
  const ofBob = await Tail.open('', BOB);
  const ofAlice = await Tail.open('', ALICE);
  const [bobs, alices] = [
    ended({ initiatorId: BOB.id, client: 'Codex' }),
    ended({ initiatorId: ALICE.id }),
  ];
  await audit.store(...bobs.events, ...alices.events);
  expect(await ofAlice.has(1)).toEqual([alices.id]);
  expect(await ofBob.has(1)).toEqual([bobs.id]);
  expect(await ofCodex.has(1)).toEqual([bobs.id]);
});

it('goes on after the last event that a reader had, without gap or repetition', async () => {
  const records = Array.from({ length: 450 }, () => ended());
  const tail = await Tail.open();
  await audit.store(...records.slice(0, 3).flatMap(({ events }) => events));
  await tail.has(3);
  tail.leave();
  await audit.store(...records.slice(3).flatMap(({ events }) => events));

  const resumed = await Tail.open('', AUDITOR, tail.eventIds[1]);
  const all = [...tail.ids.slice(0, 2), ...(await resumed.has(448))];
  expect(all.toSorted()).toEqual(records.map(({ id }) => id).toSorted());
  expect(resumed.eventIds).toHaveLength(448);
});

it('says so when it cannot tell what a reader has missed', async () => {
  const tail = await Tail.open('', AUDITOR, `999999-${uuidv7(1)}`);
  expect(tail.text).toContain('event: gap');
});

it('refuses an id that is none of its own', async () => {
  const res = await fetch(`${audit.bridge.url}/api/v1/interceptions/live`, {
    headers: { 'x-forwarded-user': ALICE.id, 'last-event-id': 'x' },
  });
  expect(res.status).toBe(400);
});

it('does not keep the bridge from stopping', async () => {
  const tail = await Tail.open();
  expect(await audit.bridge.stop()).toBe(0);
  await until('the stream ended', () => (tail.isOver ? true : undefined));
});
