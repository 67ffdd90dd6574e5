import { describe, expect, it } from 'vitest';
import { SafePattern } from '../config/index.ts';
import { catalogueOf, type ListedServer } from './catalogue.ts';

const SCHEMA = { type: 'object' };

function aServer(name: string, tools: readonly string[], rest: Partial<ListedServer> = {}) {
  return {
    name,
    url: `https://${name}.example/mcp`,
    tools: tools.map((tool) => ({
      tool,
      description: `${tool}!`,
      input: { kind: 'schema' as const, schema: SCHEMA },
    })),
    toolAllow: undefined,
    toolDeny: undefined,
    ...rest,
  };
}

const outcome = (servers: readonly ListedServer[]) =>
  catalogueOf(servers).map((entries) =>
    entries.map(({ name, refusal }) => [name, refusal?.reason ?? 'offered']),
  );

describe('the catalogue', () => {
  it('has all that an offered tool is', () => {
    const [entries = []] = catalogueOf([aServer('docs', ['search'])]);
    expect(entries.map(({ offered }) => offered)).toEqual([
      {
        name: 'bmcp_docs_search',
        description: 'search!',
        inputSchema: SCHEMA,
        tool: 'search',
        server: 'docs',
        serverUrl: 'https://docs.example/mcp',
      },
    ]);
  });

  it('says what is not offered, and why', () => {
    const server = aServer('a', ['get', 'put', 'other'], {
      toolAllow: new SafePattern('get|put'),
      toolDeny: new SafePattern('put'),
    });
    const input = { kind: 'malformed' as const, reason: 'it is odd' };
    const odd = { tool: 'get odd', description: '', input };
    expect(outcome([{ ...server, tools: [...server.tools, odd] }])).toEqual([
      [
        ['bmcp_a_get', 'offered'],
        ['bmcp_a_get_odd', 'malformed'],
        ['bmcp_a_other', 'not_allowed'],
        ['bmcp_a_put', 'conflict'],
      ],
    ]);
  });

  it('gives a name to the first tool that comes to it, whichever way they are listed', () => {
    const expected = [
      [
        ['bmcp_a_x_y', 'offered'],
        ['bmcp_a_x_y', 'name_taken'],
      ],
    ];
    expect(outcome([aServer('a', ['x.y', 'x/y'])])).toEqual(expected);
    expect(outcome([aServer('a', ['x/y', 'x.y'])])).toEqual(expected);
    const [entries = []] = catalogueOf([aServer('a', ['x/y', 'x.y'])]);
    expect(entries[1]).toMatchObject({
      tool: 'x/y',
      refusal: { detail: 'x.y of a has this name' },
    });
  });

  it('offers a tool that is listed twice once', () => {
    expect(outcome([aServer('a', ['x', 'x'])])).toEqual([
      [
        ['bmcp_a_x', 'offered'],
        ['bmcp_a_x', 'name_taken'],
      ],
    ]);
  });

  it('keeps no name for what is not offered', () => {
    const server = aServer('a', ['x.y', 'x/y'], { toolDeny: new SafePattern(String.raw`\.`) });
    expect(outcome([server])).toEqual([
      [
        ['bmcp_a_x_y', 'denied'],
        ['bmcp_a_x_y', 'offered'],
      ],
    ]);
  });
});
