import { afterAll, beforeAll, expect, it } from 'vitest';
import { assert, asyncProperty, constantFrom, integer } from 'fast-check';
import { aStart, anEnd } from '../support/record-events.ts';
import { idsOf, startAuditSystem, type AuditSystem, type Query } from './audit-system.ts';

const AT = Date.UTC(2026, 4, 1);
const FILTERS: readonly Query<'listInterceptions'>[] = [
  {},
  { model: ['even'] },
  { model: ['even', 'odd'] },
  { initiator: ['alice@corp'], status: ['completed'] },
];
let audit: AuditSystem;
let written = 0;

beforeAll(async () => {
  audit = await startAuditSystem();
  await write(400);
});

afterAll(() => audit.stop());

/** Records of now and, as from a replica that was slow, of some time ago. */
async function write(count: number): Promise<void> {
  const events = Array.from({ length: count }, () => {
    written += 1;
    const late = written % 7 === 0 ? AT + written : Date.now();
    const model = written % 2 === 0 ? 'even' : 'odd';
    const id = idAt(late, written);
    return [aStart({ id, at: late, model }), anEnd({ id })];
  });
  await audit.store(...events.flat());
}

function idAt(ms: number, n: number): string {
  const time = ms.toString(16).padStart(12, '0');
  const tail = n.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}`;
}

async function walk(filter: Query<'listInterceptions'>, limit: number): Promise<string[]> {
  const client = audit.client();
  const seen: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const params = { query: { ...filter, limit, ...(cursor !== undefined && { cursor }) } };
    const page = await client.GET('/api/v1/interceptions', { params });
    seen.push(...idsOf(page));
    cursor = page.data?.nextCursor ?? null;
  }
  return seen;
}

it('shows every record that was there exactly once, while others are written', async () => {
  await assert(
    asyncProperty(
      constantFrom(...FILTERS),
      integer({ min: 20, max: 150 }),
      async (filter, limit) => {
        const there = await walk(filter, 1_000);
        const writing = (async () => {
          for (let batch = 0; batch < 5; batch++) await write(10);
        })();
        const seen = await walk(filter, limit);
        await writing;
        expect(new Set(seen).size).toBe(seen.length);
        const all = new Set(seen);
        expect(there.filter((id) => !all.has(id))).toEqual([]);
        expect(seen).toEqual(seen.toSorted().toReversed());
      },
    ),
    { numRuns: 12 },
  );
});
