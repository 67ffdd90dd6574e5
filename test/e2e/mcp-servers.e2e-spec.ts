import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ToolServer, textResult } from '../simulator/mcp/index.ts';
import { Bridge } from '../support/bridge.ts';
import { freePort } from '../support/free-port.ts';
import { startSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

const CANARY = 'Bearer canary-of-a-tool-server';

/** Takes connections and says nothing. */
async function silentServer(): Promise<Server> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  return Number(Object(server.address()).port);
}

interface ShownServer {
  readonly name: string;
  readonly state: string;
  readonly tools: readonly { readonly name: string; readonly refusal: object | null }[];
}

async function shown({ url }: Bridge): Promise<readonly ShownServer[]> {
  const res = await fetch(`${url}/api/v1/mcp`);
  expect(res.status).toBe(200);
  return Object(await res.json()).items;
}

async function textOf({ url }: Bridge, path: string): Promise<string> {
  const res = await fetch(`${url}${path}`);
  return res.text();
}

describe('a bridge with tool servers', () => {
  let system: System;
  let tools: ToolServer;
  let silent: Server;
  beforeAll(async () => {
    [tools, silent] = await Promise.all([ToolServer.start({ name: 'real' }), silentServer()]);
    system = await startSystem({
      env: {
        AIBRIDGE_MCP_0_NAME: 'docs',
        AIBRIDGE_MCP_0_URL: `${tools.url}?token=canary`,
        AIBRIDGE_MCP_0_HEADERS: `authorization=${encodeURIComponent(CANARY)}`,
        AIBRIDGE_MCP_0_TOOL_DENY: '^huge$',
        AIBRIDGE_MCP_0_GROUPS: 'reds',
        AIBRIDGE_MCP_1_NAME: 'silent',
        AIBRIDGE_MCP_1_URL: `http://127.0.0.1:${portOf(silent)}/mcp`,
        AIBRIDGE_MCP_2_NAME: 'nobody',
        AIBRIDGE_MCP_2_URL: `http://127.0.0.1:${await freePort()}/mcp`,
      },
    });
    await until('one is connected and one is down', async () => {
      const [docs, , nobody] = await shown(system.bridge);
      return docs?.state === 'connected' && nobody?.state === 'down' ? true : undefined;
    });
  });
  afterAll(async () => {
    await system.stop();
    await tools.close();
    silent.close();
  });

  it('has started without waiting for those that are silent or away', async () => {
    expect(await shown(system.bridge)).toMatchObject([
      { name: 'docs', state: 'connected' },
      { name: 'silent' },
      { name: 'nobody', state: 'down', lastError: 'it cannot be reached: ECONNREFUSED' },
    ]);
  });

  it('shows what they offer and what they do not', async () => {
    const [docs] = await shown(system.bridge);
    expect(docs).toMatchObject({
      url: tools.url,
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'real', version: '1.0.0' },
      groups: ['reds'],
      isListCut: false,
    });
    expect(docs?.tools).toContainEqual({
      name: 'bmcp_docs_echo',
      tool: 'echo',
      description: 'Says what it was told.',
      refusal: null,
    });
    expect(docs?.tools.find(({ name }) => name === 'bmcp_docs_huge')).toMatchObject({
      refusal: { reason: 'denied' },
    });
  });

  it('hears of new tools', async () => {
    await tools.waitForRequest(({ method }) => method === 'GET');
    await tools.add({ name: 'new', run: () => textResult('new') });
    await expect
      .poll(async () => {
        const [docs] = await shown(system.bridge);
        return docs?.tools.map(({ name }) => name);
      })
      .toContain('bmcp_docs_new');
  });

  it('is as ready as without them, and says how they are', async () => {
    const res = await fetch(`${system.bridge.url}/readyz`);
    expect([res.status, await res.json()]).toMatchObject([
      200,
      { status: 'ready', toolServers: { docs: 'connected', nobody: 'down' } },
    ]);
  });

  it('measures them', async () => {
    const metrics = await textOf(system.bridge, '/metrics');
    expect(metrics).toContain('aibridge_mcp_server_up{server="docs"} 1');
    expect(metrics).toContain('aibridge_mcp_server_up{server="nobody"} 0');
    expect(metrics).toMatch(/^aibridge_mcp_tools\{server="docs"\} [67]$/m);
  });

  it('refuses what there is not to be asked', async () => {
    const res = await fetch(`${system.bridge.url}/api/v1/mcp?server=docs`);
    expect(res.status).toBe(400);
  });

  it('says once what has become of each, and nothing that is secret', async () => {
    const { bridge } = system;
    const lost = bridge.logs.filter(({ msg }) => msg.startsWith('tool server lost'));
    expect(lost.filter(({ server }) => server === 'nobody')).toHaveLength(1);
    expect(bridge.logs).toContainEqual(
      expect.objectContaining({ msg: 'tool server connected', server: 'docs' }),
    );
    const answers = await Promise.all(
      ['/api/v1/mcp', '/readyz', '/metrics'].map((path) => textOf(bridge, path)),
    );
    expect(JSON.stringify([...answers, bridge.logs])).not.toContain('canary');
  });

  it('takes leave of them when it stops', async () => {
    await system.bridge.stop();
    expect(tools.requests.at(-1)?.method).toBe('DELETE');
    expect(tools.sessionCount).toBe(0);
  });
});

describe('a bridge without tool servers', () => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system.stop());

  it('says nothing of any', async () => {
    expect(await shown(system.bridge)).toEqual([]);
    const said = await Promise.all(
      ['/readyz', '/metrics'].map((path) => textOf(system.bridge, path)),
    );
    expect(said.join('')).not.toMatch(/mcp|tool/i);
  });
});
