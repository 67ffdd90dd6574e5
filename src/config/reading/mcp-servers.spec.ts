import { describe, expect, it } from 'vitest';
import { readMcp } from './mcp-servers.ts';
import { SettingsReader } from './settings-reader.ts';

function read(env: Readonly<Record<string, string>>) {
  const reader = new SettingsReader(env, { readFile: () => 'authorization=Bearer%20canary\n' });
  const { servers, ...limits } = readMcp(reader);
  return { servers, limits, reader };
}

const SERVER = { AIBRIDGE_MCP_0_NAME: 'docs', AIBRIDGE_MCP_0_URL: 'https://mcp.example/mcp' };

describe('the MCP servers', () => {
  it('are none by default', () => {
    expect(read({}).servers).toEqual([]);
  });

  it.each<[string, Record<string, string>]>([
    ['written out', { AIBRIDGE_MCP_0_HEADERS: 'Authorization=Bearer%20canary' }],
    ['from a file', { AIBRIDGE_MCP_0_HEADERS_FILE: '/run/headers' }],
  ])('take their headers %s and show only their names', (_, headers) => {
    const { servers, reader } = read({ ...SERVER, ...headers });

    expect(servers[0]?.headers.map(({ name, value }) => [name, value.reveal()])).toEqual([
      ['authorization', 'Bearer canary'],
    ]);
    expect(reader.sources.get('AIBRIDGE_MCP_0_HEADERS')?.value.toLowerCase()).toBe(
      'authorization=…',
    );
  });

  it('take regular expressions for their tools', () => {
    const { servers } = read({
      ...SERVER,
      AIBRIDGE_MCP_0_TOOL_ALLOW: '^get_[a-z]{1,9}$',
      AIBRIDGE_MCP_0_TOOL_DENY: 'secret',
    });
    expect(servers).toMatchObject([
      { toolAllow: { source: '^get_[a-z]{1,9}$' }, toolDeny: { source: 'secret' } },
    ]);
  });

  it('are for everybody, know nobody and have a minute unless said otherwise', () => {
    expect(read(SERVER).servers).toMatchObject([
      { groups: undefined, userHeaders: [], callTimeoutMs: 60_000 },
    ]);
    const { servers } = read({
      ...SERVER,
      AIBRIDGE_MCP_0_GROUPS: 'red, blue',
      AIBRIDGE_MCP_0_USER_HEADERS: 'X-User={id}',
      AIBRIDGE_MCP_0_CALL_TIMEOUT: '5s',
    });
    expect(servers).toMatchObject([
      {
        groups: ['red', 'blue'],
        userHeaders: [{ name: 'x-user', parts: [{ kind: 'id' }] }],
        callTimeoutMs: 5_000,
      },
    ]);
  });

  it('have limits for all of them together', () => {
    expect(read({}).limits).toEqual({
      resultBytesMax: 2 ** 20,
      turnsMax: 10,
      totalTimeoutMs: 300_000,
    });
    const { limits } = read({
      AIBRIDGE_MCP_RESULT_MAX: '64KiB',
      AIBRIDGE_MCP_TURNS: '3',
      AIBRIDGE_MCP_TOTAL_TIMEOUT: '1m',
    });
    expect(limits).toEqual({ resultBytesMax: 65_536, turnsMax: 3, totalTimeoutMs: 60_000 });
  });

  it.each<[string, Record<string, string>, string]>([
    ['no name', { AIBRIDGE_MCP_0_URL: 'https://h/' }, 'AIBRIDGE_MCP_0_NAME: got nothing'],
    ['no address', { AIBRIDGE_MCP_0_NAME: 'a' }, 'AIBRIDGE_MCP_0_URL: got nothing'],
    [
      'a name twice',
      { ...SERVER, AIBRIDGE_MCP_1_NAME: 'docs', AIBRIDGE_MCP_1_URL: 'http://h/' },
      'AIBRIDGE_MCP_1_NAME: got "docs", which AIBRIDGE_MCP_0_NAME has',
    ],
    [
      'a gap',
      { AIBRIDGE_MCP_1_NAME: 'a', AIBRIDGE_MCP_1_URL: 'http://h/' },
      'AIBRIDGE_MCP_0_NAME: got nothing although number 1 is in use',
    ],
    [
      'a wrong expression',
      { ...SERVER, AIBRIDGE_MCP_0_TOOL_DENY: '(' },
      'AIBRIDGE_MCP_0_TOOL_DENY: got "("',
    ],
    [
      'an expression that could take for ever',
      { ...SERVER, AIBRIDGE_MCP_0_TOOL_ALLOW: '(?=a)' },
      'AIBRIDGE_MCP_0_TOOL_ALLOW: got "(?=a)"',
    ],
    [
      'a claim that there is not',
      { ...SERVER, AIBRIDGE_MCP_0_USER_HEADERS: 'x-user={name}' },
      'AIBRIDGE_MCP_0_USER_HEADERS: got "x-user=…"',
    ],
    [
      'headers without a name',
      { ...SERVER, AIBRIDGE_MCP_0_HEADERS: 'canary' },
      'AIBRIDGE_MCP_0_HEADERS: got a value that is not shown',
    ],
    [
      'a header that splits',
      { ...SERVER, AIBRIDGE_MCP_0_HEADERS: 'a=canary%0d%0ab' },
      'AIBRIDGE_MCP_0_HEADERS: got a value that is not shown',
    ],
  ])('refuse %s', (_, env, problem) => {
    const { problems } = read(env).reader;
    expect(problems).toContainEqual(expect.stringContaining(problem));
    expect(problems.join()).not.toContain('canary');
  });
});
