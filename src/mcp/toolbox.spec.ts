import { describe, expect, it } from 'vitest';
import { textResult, type Tool } from '../../test/simulator/mcp/index.ts';
import { RecordedLog } from '../../test/support/recorded-log.ts';
import {
  aServerConfig,
  endingWithTest,
  simulatedServer,
} from '../../test/support/tool-server-client.ts';
import { until } from '../../test/support/until.ts';
import { SafePattern, type McpServerConfig } from '../config/index.ts';
import { SystemClock } from '../core/clock.ts';
import { Secret } from '../core/secret.ts';
import { Metrics } from '../telemetry/index.ts';
import { Toolbox } from './toolbox.ts';
import type { OfferedTool, ToolUser } from './tool-offer.ts';

const NEVER = new AbortController().signal;
const member = (...groups: string[]): ToolUser => ({ id: 'alice', metadata: {}, groups });
const tool = (name: string): Tool => ({ name, run: () => textResult(name) });
const names = (offer: readonly OfferedTool[]): string[] => offer.map(({ name }) => name);

async function toolbox(...servers: readonly McpServerConfig[]) {
  const logger = new RecordedLog();
  const metrics = new Metrics();
  const box = endingWithTest(
    new Toolbox(
      { servers, resultBytesMax: 10_000, turnsMax: 10, totalTimeoutMs: 60_000 },
      { clock: new SystemClock(), random: () => 0, metrics, logger },
    ),
  );
  box.start();
  const connected = (count: number): Promise<true> =>
    until('they are connected', () =>
      box.snapshots.filter(({ state }) => state === 'connected').length === count
        ? true
        : undefined,
    );
  return { box, logger, metrics, connected };
}

async function twoServers() {
  const [red, blue] = await Promise.all([
    simulatedServer({ tools: [tool('b'), tool('a')] }),
    simulatedServer({ tools: [tool('z'), tool('c')] }),
  ]);
  const all = await toolbox(
    aServerConfig({ name: 'red', url: red.url, groups: ['reds', 'all'] }),
    aServerConfig({ name: 'blue', url: blue.url }),
  );
  await all.connected(2);
  return { red, blue, ...all };
}

describe('the offer', () => {
  it('is sorted by name, whatever the order of servers', async () => {
    const { box } = await twoServers();
    expect(names(box.offerFor(member('reds')))).toEqual([
      'bmcp_blue_c',
      'bmcp_blue_z',
      'bmcp_red_a',
      'bmcp_red_b',
    ]);
  });

  it('has nothing of a server that is for other groups', async () => {
    const { box } = await twoServers();
    expect(names(box.offerFor(member('greens')))).toEqual(['bmcp_blue_c', 'bmcp_blue_z']);
    expect(names(box.offerFor(member()))).toEqual(['bmcp_blue_c', 'bmcp_blue_z']);
    expect(box.offerFor(member('greens', 'all'))).toHaveLength(4);
  });

  // Equal offers are equal bytes, which a vendor's prompt cache goes by.
  it('is the same array for all who may use the same, until that changes', async () => {
    const { box, red } = await twoServers();
    const [reds, others] = [box.offerFor(member('reds')), box.offerFor(member())];
    expect(box.offerFor(member('all', 'reds'))).toBe(reds);
    expect(box.offerFor(member('greens'))).toBe(others);

    await red.waitForRequest(({ method }) => method === 'GET');
    await red.add(tool('new'));
    await until('it is offered', () => (box.offerFor(member('reds')) === reds ? undefined : true));
    expect(names(box.offerFor(member('reds')))).toContain('bmcp_red_new');
    expect(box.offerFor(member('greens'))).toBe(others);
  });

  it('is empty without servers', async () => {
    const { box, metrics } = await toolbox();
    expect(box.offerFor(member())).toEqual([]);
    expect(await metrics.render()).not.toContain('mcp');
  });

  it('has the tools of the others when one is dead', async () => {
    const blue = await simulatedServer({ tools: [tool('c')] });
    const { box, connected } = await toolbox(
      aServerConfig({ name: 'dead' }),
      aServerConfig({ name: 'blue', url: blue.url }),
    );
    await connected(1);
    expect(names(box.offerFor(member()))).toEqual(['bmcp_blue_c']);
  });
});

describe('a call', () => {
  it('goes to the server of the tool, by the name that the server knows', async () => {
    const { box, red, blue } = await twoServers();
    const [offered] = box.offerFor(member());
    if (offered === undefined) throw new Error('nothing is offered');
    expect(await box.call(offered, {}, member(), NEVER)).toMatchObject({
      content: [{ text: 'c' }],
      isError: false,
    });
    expect([red.calls.length, blue.calls.length]).toEqual([0, 1]);
  });

  // A conversation goes on while rights and tools change.
  it('of a tool that is not for the caller, or not there, or not offered, is an error', async () => {
    const { box, red, blue } = await twoServers();
    const offered = box.offerFor(member('reds')).find(({ server }) => server === 'red');
    if (offered === undefined) throw new Error('nothing is offered');
    for (const [asked, user] of [
      [offered, member()],
      [{ ...offered, tool: 'other' }, member('reds')],
      [{ ...offered, server: 'green' }, member('reds')],
    ] as const) {
      expect(await box.call(asked, {}, user, NEVER)).toMatchObject({
        isError: true,
        error: 'The tool is not offered any more.',
      });
    }
    expect([...red.calls, ...blue.calls]).toEqual([]);
  });
});

describe('what operators see', () => {
  it('is each server with its tools, those that are not offered included', async () => {
    const server = await simulatedServer({ tools: [tool('x.y'), tool('x/y'), tool('secret')] });
    const { box, connected, logger, metrics } = await toolbox(
      aServerConfig({
        url: `${server.url}?token=canary`,
        headers: [{ name: 'authorization', value: new Secret('canary') }],
        toolAllow: new SafePattern('.'),
        toolDeny: new SafePattern('secret'),
        groups: ['reds'],
      }),
      aServerConfig({ name: 'dead' }),
    );
    await connected(1);
    await until('the other is down', () => (box.snapshots[1]?.state === 'down' ? true : undefined));

    expect(box.snapshots).toMatchObject([
      {
        name: 'docs',
        url: server.url,
        state: 'connected',
        serverInfo: { name: 'simulated' },
        groups: ['reds'],
        tools: [
          { tool: 'secret', refusal: { reason: 'conflict' } },
          { tool: 'x.y', name: 'bmcp_docs_x_y', refusal: undefined },
          { tool: 'x/y', name: 'bmcp_docs_x_y', refusal: { reason: 'name_taken' } },
        ],
      },
      { name: 'dead', state: 'down', tools: [] },
    ]);
    expect(logger.said.toSorted()).toEqual([
      'info tool server connected',
      'info tools of a server changed',
      'warn a tool cannot be offered',
      'warn tool filtering conflict; marking tool disallowed',
      'warn tool server lost, connecting again',
    ]);
    expect(await metrics.render()).toMatch(
      /aibridge_mcp_server_up\{server="docs"\} 1[^]*aibridge_mcp_tools\{server="docs"\} 1\n/,
    );
    expect(await metrics.render()).toContain('aibridge_mcp_server_up{server="dead"} 0');
    expect(JSON.stringify([box.snapshots, logger.lines])).not.toContain('canary');
  });
});
