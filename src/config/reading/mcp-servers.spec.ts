import { describe, expect, it } from 'vitest';
import { readMcpServers } from './mcp-servers.ts';
import { SettingsReader } from './settings-reader.ts';

function read(env: Readonly<Record<string, string>>) {
  const reader = new SettingsReader(env, { readFile: () => 'authorization=Bearer%20canary\n' });
  return { servers: readMcpServers(reader), reader };
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
    expect(servers).toMatchObject([{ toolAllow: /^get_[a-z]{1,9}$/, toolDeny: /secret/ }]);
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
