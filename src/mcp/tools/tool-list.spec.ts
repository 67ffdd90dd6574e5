import { describe, expect, it } from 'vitest';
import { isDeeperThan, readToolList } from './tool-list.ts';

const SCHEMA = { type: 'object', properties: { a: { type: 'string' } } };

function listOf(...pages: readonly unknown[]) {
  const asked: (string | undefined)[] = [];
  const list = readToolList(async (cursor) => {
    asked.push(cursor);
    return pages[Number(cursor ?? 0)];
  });
  return { asked, list };
}

async function onlyTool(tool: object) {
  const { tools } = await listOf({ tools: [tool] }).list;
  return tools[0];
}

function nested(depth: number): object {
  return depth === 0 ? {} : { properties: nested(depth - 1) };
}

describe('a list of tools', () => {
  it('has the tools of all pages', async () => {
    const { asked, list } = listOf(
      { tools: [{ name: 'a', description: 'A.', inputSchema: SCHEMA }], nextCursor: '1' },
      { tools: [{ name: 'b', inputSchema: { type: 'object' } }] },
    );
    expect(await list).toEqual({
      isCut: false,
      tools: [
        { tool: 'a', description: 'A.', input: { kind: 'schema', schema: SCHEMA } },
        { tool: 'b', description: '', input: { kind: 'schema', schema: { type: 'object' } } },
      ],
    });
    expect(asked).toEqual([undefined, '1']);
  });

  it.each([undefined, null, 'tools', [], {}, { tools: {} }])(
    'is empty when it is %j',
    async (page) => {
      expect(await listOf(page).list).toEqual({ tools: [], isCut: false });
    },
  );

  it('ends where a server leads round in a circle', async () => {
    const { asked, list } = listOf({ tools: [], nextCursor: '1' }, { tools: [], nextCursor: '0' });
    expect(await list).toEqual({ tools: [], isCut: true });
    expect(asked).toHaveLength(3);
  });

  it('ends where a server has page after page', async () => {
    let pages = 0;
    const list = await readToolList(async () => ({ tools: [], nextCursor: String((pages += 1)) }));
    expect([list.isCut, pages]).toEqual([true, 50]);
  });

  it('is cut where there are more tools than anybody can use', async () => {
    const tools = Array.from({ length: 600 }, (_, index) => ({ name: `t${index}` }));
    const list = await listOf({ tools }).list;
    expect([list.tools.length, list.isCut]).toEqual([500, true]);
  });

  it('is cut where the tools are more to read than anybody wants', async () => {
    const inputSchema = { type: 'object', description: 'x'.repeat(60_000) };
    const tools = Array.from({ length: 100 }, (_, index) => ({ name: `t${index}`, inputSchema }));
    const list = await listOf({ tools }).list;
    expect(list.isCut).toBe(true);
    expect(list.tools.length).toBeLessThan(80);
  });
});

describe('a tool of a list', () => {
  it('has as much of its description as can be read', async () => {
    const tool = await onlyTool({ name: 'a', description: 'x'.repeat(9_000), inputSchema: SCHEMA });
    expect(tool?.description).toHaveLength(8_192);
    expect(tool?.input).toEqual({ kind: 'schema', schema: SCHEMA });
  });

  it('takes an object even where its schema leaves that out', async () => {
    expect(await onlyTool({ name: 'a', inputSchema: {} })).toMatchObject({
      input: { kind: 'schema', schema: { type: 'object' } },
    });
  });

  it.each<[string, object, string]>([
    ['no name', { inputSchema: SCHEMA }, 'no name'],
    ['a name that is no text', { name: 1, inputSchema: SCHEMA }, 'no name'],
    ['an endless name', { name: 'x'.repeat(300), inputSchema: SCHEMA }, 'no name'],
    ['no schema', { name: 'a' }, 'not described as an object'],
    ['a schema of a text', { name: 'a', inputSchema: { type: 'string' } }, 'not described'],
    ['a schema in the depths', { name: 'a', inputSchema: nested(40) }, 'nested too deeply'],
    ['a schema like a book', { name: 'a', inputSchema: { $comment: 'x'.repeat(70_000) } }, 'large'],
  ])('with %s is of no use', async (_, tool, reason) => {
    const { input } = (await onlyTool(tool)) ?? {};
    expect(input).toEqual({ kind: 'malformed', reason: expect.stringContaining(reason) });
  });
});

it('tells how deep something is without going down to its end', () => {
  let deep: unknown = {};
  for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
  expect(isDeeperThan(32, deep)).toBe(true);
  expect(isDeeperThan(2, { a: [1] })).toBe(false);
  expect(isDeeperThan(1, { a: [1] })).toBe(true);
});
