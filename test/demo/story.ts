import { setTimeout as delay } from 'node:timers/promises';
import type { KeyItem } from '../../src/admin/key-shape.ts';
import type { InterceptionDetail } from '../../src/audit/interceptions/interception-shape.ts';
import { answer, rateLimited } from '../simulator/index.ts';
import type { Page, Seen } from './page.ts';
import { KEYS, type Stage } from './stage.ts';

interface Scene {
  readonly title: string;
  readonly asks: string;
  readonly isStreaming?: boolean;
  readonly credential?: string;
  /** What must come of it, so that the demo never tells what did not happen. */
  readonly status: number;
  readonly outcomes: readonly string[];
}

interface Items<Item> {
  readonly items: readonly Item[];
}

/** The first record waits for the database to be made. */
const RECORD_MS = 30_000;
const REQUEST_MS = 15_000;

const FIRST: Scene = {
  title: 'Key 1 is rate limited, key 2 is revoked: the caller does not notice',
  asks: 'POST /anthropic/v1/messages',
  status: 200,
  outcomes: ['rate_limited', 'unauthorized', 'served'],
};
const SECOND: Scene = {
  title: 'The next request, a streamed one: the two are not tried again',
  asks: 'POST /anthropic/v1/messages, streaming',
  isStreaming: true,
  status: 200,
  outcomes: ['served'],
};
const OWN_KEY: Scene = {
  title: 'A developer brings a key of their own: the pool is not touched',
  asks: 'POST /anthropic/v1/messages with a key',
  credential: KEYS.own,
  status: 200,
  outcomes: ['served'],
};
const ALL_DOWN: Scene = {
  title: 'The last key is rate limited, too: the caller is told when to come back',
  asks: 'POST /anthropic/v1/messages',
  status: 429,
  outcomes: ['rate_limited'],
};
const AFTER_RESET: Scene = {
  title: 'Key 2 is valid again, and an operator brings it back',
  asks: 'POST /anthropic/v1/messages',
  status: 200,
  outcomes: ['served'],
};

/** Rejects when anything is not as it is told. */
export async function tellStory(stage: Stage, page: Page): Promise<void> {
  page.title(stage.bridgeUrl, stage.providerUrl);
  await play(FIRST, stage, page);
  await play(SECOND, stage, page);
  await play(OWN_KEY, stage, page);

  stage.simulator.key(KEYS.good).always(rateLimited({ retryAfter: 20 }));
  await play(ALL_DOWN, stage, page);
  page.keys(await keys(stage));

  stage.simulator.key(KEYS.revoked).always(answer({ text: 'Hello from the second key.' }));
  await play(AFTER_RESET, stage, page, () => resetRejected(stage, page));
  page.keys(await keys(stage));

  const list = await read<Items<unknown>>(stage, '/interceptions');
  page.end(list.items.length);
}

async function play(
  scene: Scene,
  stage: Stage,
  page: Page,
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  page.scene(scene.title);
  await before();
  const { seen, id } = await ask(scene, stage);
  page.client(scene.asks, seen);
  const record = await ended(stage, id);
  page.audit(record);
  const outcomes = record.attempts.map(({ outcome }) => outcome);
  if (seen.status !== scene.status || outcomes.join() !== scene.outcomes.join()) {
    throw new Error(`"${scene.title}": got ${seen.status} after ${outcomes.join(', ')}`);
  }
}

async function ask(scene: Scene, stage: Stage): Promise<{ seen: Seen; id: string }> {
  const startMs = performance.now();
  const res = await fetch(`${stage.bridgeUrl}/anthropic/v1/messages`, {
    method: 'POST',
    headers: { ...(scene.credential !== undefined && { 'x-api-key': scene.credential }) },
    body: JSON.stringify({
      model: 'claude-opus-4-5',
      max_tokens: 64,
      ...(scene.isStreaming === true && { stream: true }),
      messages: [{ role: 'user', content: 'Say hello.' }],
    }),
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  const words = wordsOf(await res.text(), res);
  const ms = Math.round(performance.now() - startMs);
  const id = res.headers.get('x-aibridge-interception-id') ?? '';
  return { seen: { status: res.status, words, ms }, id };
}

function wordsOf(body: string, res: Response): string {
  const texts = Array.from(body.matchAll(/"text":"([^"]*)"/g), ([, text]) => text);
  const retryAfter = res.headers.get('retry-after');
  if (res.ok) return `"${texts.join('')}"`;
  return `${res.headers.get('x-aibridge-error')}, Retry-After: ${retryAfter}`;
}

async function resetRejected(stage: Stage, page: Page): Promise<void> {
  const rejected = (await keys(stage)).find(({ state }) => state === 'permanent');
  const path = `/keys/${rejected?.provider}/${rejected?.fingerprint}/reset`;
  page.note('operator', `POST /api/v1${path}`);
  await read(stage, path, { method: 'POST' });
}

/** The record as the audit API shows it, once the request has ended. */
async function ended(stage: Stage, id: string): Promise<InterceptionDetail> {
  const deadlineMs = performance.now() + RECORD_MS;
  for (;;) {
    const res = await fetch(`${stage.bridgeUrl}/api/v1/interceptions/${id}`);
    if (res.ok) {
      const record = await bodyOf<InterceptionDetail>(res);
      if (record.status !== 'in_progress') return record;
    }
    if (performance.now() > deadlineMs) {
      throw new Error(`the audit does not show interception ${id}: ${res.status}`);
    }
    await delay(50);
  }
}

async function keys(stage: Stage): Promise<readonly KeyItem[]> {
  return (await read<Items<KeyItem>>(stage, '/keys')).items;
}

async function read<T>(stage: Stage, path: string, init: RequestInit = {}): Promise<T> {
  const res = await fetch(`${stage.bridgeUrl}/api/v1${path}`, {
    ...init,
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  if (!res.ok) throw new Error(`${path} answered ${res.status}: ${await res.text()}`);
  return bodyOf(res);
}

/** The bridge's own API, whose shapes are its types. */
async function bodyOf<T>(res: Response): Promise<T> {
  return JSON.parse(await res.text());
}
