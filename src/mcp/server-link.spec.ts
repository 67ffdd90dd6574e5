import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { answer } from '../../test/support/rude-tool-server.ts';
import { clientOf, connectedTo, rudeServer, call } from '../../test/support/tool-server-client.ts';
import { until } from '../../test/support/until.ts';

describe('the link with a server', () => {
  // A restart of a server is no reason to change every prompt, and with it every cache.
  it('keeps the tools of one that is down for two minutes', async () => {
    const clock = new FakeClock();
    const server = await rudeServer();
    const { server: of, is, toolNames, told } = await connectedTo(server, {}, clock);
    server.on('initialize', ({ res }) => res.destroy());
    server.on('ping', ({ res }) => res.writeHead(500).end());
    server.on('tools/call', ({ res }) => res.destroy());
    await call(of, 'tool');
    await is('down');

    clock.advanceMs(119_000);
    const attempts = server.count('initialize');
    await server.waitFor('initialize', attempts + 2);
    expect(toolNames()).toEqual(['tool']);
    clock.advanceMs(2_000);
    await until('the tools are gone', () => (toolNames().length === 0 ? true : undefined));
    expect(told).toEqual(['tools', 'connected', 'lost', 'tools']);
  });

  it('has no tools of a server that has none, and asks it for none', async () => {
    const server = (await rudeServer()).on('initialize', (exchange) =>
      answer(exchange, {
        protocolVersion: '2025-06-18',
        capabilities: {},
        serverInfo: { name: 'a', version: '1' },
      }),
    );
    const { toolNames } = await connectedTo(server);
    expect(toolNames()).toEqual([]);
    expect(server.count('tools/list')).toBe(0);
  });

  it('asks one that does not tell of changes for its tools again after five minutes', async () => {
    const clock = new FakeClock();
    const server = await rudeServer();
    const { toolNames } = await connectedTo(server, {}, clock);
    server.on('tools/list', (exchange) =>
      answer(exchange, { tools: [{ name: 'new', inputSchema: { type: 'object' } }] }),
    );
    clock.advanceMs(299_000);
    await server.waitFor('ping', server.count('ping') + 2);
    expect(server.count('tools/list')).toBe(1);
    clock.advanceMs(1_000);
    await until('it is asked', () => (toolNames().includes('new') ? true : undefined));
  });

  it('notices that a server has gone without a call', async () => {
    const server = await rudeServer();
    const { is, told } = await connectedTo(server);
    await server.close();
    await is('down');
    expect(told).toEqual(['tools', 'connected', 'lost']);
  });

  it('lasts with a server that knows no pings', async () => {
    const server = (await rudeServer()).on('ping', ({ message: { id }, res }) => {
      res.setHeader('content-type', 'application/json');
      const error = { code: -32_601, message: 'Method not found' };
      res.end(JSON.stringify({ jsonrpc: '2.0', id, error }));
    });
    server.on('tools/call', ({ res }) => res.writeHead(500).end());
    const { server: of, told } = await connectedTo(server);
    await call(of, 'tool');
    await server.waitFor('ping');
    server.on('tools/call', (exchange) => answer(exchange, { content: [] }));
    expect(await call(of, 'tool')).toMatchObject({ isError: false });
    expect(told).toEqual(['tools', 'connected']);
  });

  it('waits for no server when it is stopped', async () => {
    const server = (await rudeServer()).on('initialize', () => undefined);
    const { server: of } = clientOf(server);
    await server.waitFor('initialize');
    await of.stop();
    expect(of.link.state).toBe('connecting');
  });

  it('is not waited for when the server hangs after its greeting', async () => {
    const server = (await rudeServer()).on('notifications/initialized', () => undefined);
    const { server: of } = clientOf(server);
    await server.waitFor('notifications/initialized');
    expect(await call(of, 'tool')).toMatchObject({ isError: true });
    await of.stop();
  });
});
