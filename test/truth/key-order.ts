import type { AuditRow } from '../support/audit-tables.ts';
import { keyIndex, lastLook, lookBefore, type Evidence } from './evidence.ts';
import type { KeyMark, Look } from './pool-model.ts';

/**
 * Keys were tried in their order, and none was passed over or taken without a reason. At the end of
 * the walk a call may find out about a guess, and one that has waited may begin anew.
 */
export function orderOfKeys(evidence: Evidence): string[] {
  const { request, attempts, row } = evidence;
  if (request.own !== undefined) return [];
  const walk = new Walk(evidence);
  for (const [index, attempt] of attempts.entries()) {
    if (attempt['turn'] !== attempts[index - 1]?.['turn']) walk.begins();
    walk.tries(keyIndex(request, attempt), lookBefore(evidence, index));
  }
  if (String(row['error_type']).startsWith('keys_')) walk.isRefused(lastLook(evidence));
  return walk.found;
}

/** The way of one call from key to key, and what is wrong with it. */
class Walk {
  readonly found: string[] = [];
  readonly #evidence: Evidence;
  readonly #keys: number;
  #next = 0;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
    this.#keys = evidence.request.provider.keys.length;
  }

  /** Every turn begins with the first key. */
  begins(): void {
    this.#next = 0;
  }

  tries(key: number, look: Look): void {
    const { pool } = this.#evidence;
    const mark = pool.sidelining(key, look);
    if ((mark !== undefined || key < this.#next) && pool.mayTry(key, look)) {
      this.#passesOver(this.#keys, look);
      this.#next = this.#keys;
      return;
    }
    if (key < this.#next && mayHaveWaited(this.#evidence)) this.#next = 0;
    if (key < this.#next) this.found.push(`k${key} was tried after k${this.#next - 1}`);
    this.#passesOver(key, look);
    if (mark) this.found.push(`k${key} was tried despite ${markTold(mark, look)}`);
    this.#next = key + 1;
  }

  /** Who is told that no key is left has waited as long as it may, and had no guess to find out about. */
  isRefused(look: Look): void {
    this.#passesOver(this.#keys, look);
    const { request, seen, pool, row } = this.#evidence;
    const leftMs = request.provider.waitMs - waitedMs(row);
    const isTold = seen.headers.get('retry-after') !== null;
    if (request.provider.waitMs === 0 && waitedMs(row) > 0) {
      this.found.push('it waited for a key, and was not to');
    }
    if (isTold && leftMs > 0 && pool.latestReturnMs(look) < look.fromMs + leftMs) {
      this.found.push('it was refused, and a key was back in time');
    }
    if (pool.mustTry(look))
      this.found.push('it was refused, and might have found out about a guess');
  }

  #passesOver(upTo: number, look: Look): void {
    for (let key = this.#next; key < upTo; key += 1) {
      if (!this.#evidence.pool.mayBeSidelined(key, look))
        this.found.push(`k${key} was passed over`);
    }
  }
}

/** Of one whose bridge died nobody has said. */
function mayHaveWaited({ request, row }: Evidence): boolean {
  return waitedMs(row) > 0 || (row['status'] === 'interrupted' && request.provider.waitMs > 0);
}

/** By its own word. */
function waitedMs(row: AuditRow): number {
  const notes = Array.isArray(row['notes']) ? row['notes'].map(String) : [];
  const waits = notes.map((note) => Number(/^waited (\d+) ms for a key$/.exec(note)?.[1] ?? 0));
  return Math.max(0, ...waits);
}

function markTold({ name, latestMs, cooldownMs, life }: KeyMark, look: Look): string {
  const agoMs = Math.round(look.fromMs - latestMs);
  const who = life === look.life ? 'this bridge' : 'the other bridge';
  return `what ${who} had heard for ${name} ${agoMs}ms before, for ${cooldownMs ?? 'ever'}`;
}
