import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, expect, it } from 'vitest';
import { STANDARD_TOOLS, ToolServer, textResult, type ToolServerOptions } from './index.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

async function serverAndClient(options: ToolServerOptions = {}) {
  const server = await ToolServer.start(options);
  const client = new Client({ name: 'test', version: '1' });
  open.push(server, client);
  return { server, client };
}

function way(server: ToolServer): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(server.url));
}

it.each([{}, { json: true }, { sessions: false }, { pageLength: 2 }])(
  'answers the official client with %j',
  async (options) => {
    const { server, client } = await serverAndClient(options);
    await client.connect(way(server));

    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(STANDARD_TOOLS.map(({ name }) => name));
    expect(await client.callTool({ name: 'echo', arguments: { text: 'hi' } })).toMatchObject({
      content: [{ type: 'text', text: 'hi' }],
    });
    expect(server.calls).toMatchObject([{ tool: 'echo', input: { text: 'hi' } }]);
  },
);

it('tells its sessions of new tools', async () => {
  const { server, client } = await serverAndClient();
  const told = Promise.withResolvers<void>();
  client.setNotificationHandler('notifications/tools/list_changed', () => told.resolve());
  await client.connect(way(server));
  await server.waitForRequest(({ method }) => method === 'GET');

  await server.add({ name: 'new', run: () => textResult('new') });
  await told.promise;
  expect(await client.callTool({ name: 'new' })).toMatchObject({ content: [{ text: 'new' }] });
});

it('notes a call that is cancelled', async () => {
  const { server, client } = await serverAndClient();
  await client.connect(way(server));
  const controller = new AbortController();
  const answer = client.callTool({ name: 'slow' }, { signal: controller.signal });
  const call = await server.waitForCall();

  controller.abort();
  await expect(answer).rejects.toThrow('abort');
  await call.cancelled;
});

it('knows nobody after it has forgotten the sessions', async () => {
  const { server, client } = await serverAndClient();
  await client.connect(way(server));
  await server.forgetSessions();
  await expect(client.callTool({ name: 'echo', arguments: { text: '' } })).rejects.toMatchObject({
    status: 404,
  });
});
