import { firstIdAt } from '../../src/core/ids.ts';
import type { RecordEvent } from '../../src/recording/journal/events.ts';
import { anEnd, anId, aStart } from './record-events.ts';
import { seeded } from './seeded.ts';

/** What each writer does, one after the other. */
export type Story = readonly (readonly Deed[])[];
export type Deed =
  | { readonly kind: 'store'; readonly events: readonly RecordEvent[] }
  | { readonly kind: 'close'; readonly instanceId: string };

const HOUR = 3_600_000;
const WRITERS = 4;
const RECORDS = 160;

let ids = 0;

/** Of the time that is said, also when it is before that of the last one. */
export function idAt(ms: number): string {
  ids += 1;
  return firstIdAt(ms).slice(0, -12) + String(ids).padStart(12, '0');
}

/**
 * Records of the two days before a time and the one after. Some come in one piece and some in two,
 * one in five twice, by two writers; the processes of others are presumed dead by whoever, before or
 * after it turns out that they were not.
 */
export function aStory(seed: number, endMs: number): Story {
  const chance = seeded(seed);
  const instances = Array.from({ length: 8 }, anId);
  const deeds: Deed[][] = Array.from({ length: WRITERS }, () => []);
  const store = (...events: readonly RecordEvent[]): void => {
    const first = Math.floor(chance() * WRITERS);
    const writers = chance() < 0.2 ? [first, (first + 1) % WRITERS] : [first];
    for (const writer of writers) deeds[writer]?.push({ kind: 'store', events });
  };
  for (let n = 0; n < RECORDS; n += 1) {
    const at = endMs - 48 * HOUR + Math.floor(((n + chance()) * 72 * HOUR) / RECORDS);
    const { start, end } = aRandomRecord(at, chance, instances);
    if (chance() < 0.5) store(start, end);
    else {
      store(start);
      const close = { kind: 'close', instanceId: start.instanceId } as const;
      if (chance() < 0.4) oneOf(deeds, chance).push(close);
      if (chance() < 0.8) store(start, end);
    }
  }
  return deeds;
}

function aRandomRecord(at: number, chance: () => number, instances: readonly string[]) {
  const one = <T>(values: readonly T[]): T => oneOf(values, chance);
  const id = idAt(at);
  const start = aStart({
    id,
    at,
    instanceId: one(instances),
    initiatorId: one(['person-1', 'person-2', 'person-3']),
    model: one(['model-1', 'model-2', 'model-3', 'other']),
    client: one(['Claude Code', 'Codex']),
    ...(chance() < 0.3 && { credentialKind: 'byok', credentialHint: one(['own-1', 'own-2']) }),
  });
  const end = anEnd({
    id,
    at: at + 50,
    status: one(['completed', 'completed', 'failed', 'aborted']),
    servedModel: one([null, 'served-1', 'other']),
    credentialHint: one(['sk-a...0001', 'sk-a...0002']),
    attemptCount: one([1, 2]),
    failedOver: chance() < 0.2,
    durationMs: Math.floor(chance() * 1_000),
    tokens: { input: Math.floor(chance() * 100), output: 7, cacheRead: 1, cacheWrite: 0 },
  });
  return { start, end };
}

function oneOf<T>(values: readonly T[], chance: () => number): T {
  const value = values[Math.floor(chance() * values.length)];
  if (value === undefined) throw new Error('one of none');
  return value;
}
