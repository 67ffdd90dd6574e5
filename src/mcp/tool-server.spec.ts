import { describe, expect, it } from 'vitest';
import { PIXEL, textResult } from '../../test/simulator/mcp/index.ts';
import { answer } from '../../test/support/rude-tool-server.ts';
import {
  ALICE,
  BOB,
  call,
  clientOf,
  connectedTo,
  rudeServer,
  simulatedServer,
} from '../../test/support/tool-server-client.ts';
import { until } from '../../test/support/until.ts';
import { Secret } from '../core/secret.ts';

describe('a tool server', () => {
  it.each([{}, { json: true }, { sessions: false }, { pageLength: 2 }])(
    'is connected, lists its tools and runs them: %j',
    async (options) => {
      const tools = await simulatedServer(options);
      const { server, toolNames } = await connectedTo(tools);

      expect(toolNames()).toContain('whoami');
      expect(server.link.about).toMatchObject({
        protocolVersion: '2025-11-25',
        serverInfo: { name: 'simulated', version: '1.0.0' },
      });
      expect(await call(server, 'echo', { text: 'hi' })).toEqual({
        content: [{ type: 'text', text: 'hi' }],
        structured: undefined,
        isError: false,
        error: null,
        bytes: 2,
      });
    },
  );

  it.each(['2025-06-18', '2025-03-26', '2024-11-05'])('may speak %s', async (protocolVersion) => {
    const server = (await rudeServer()).on('initialize', (exchange) =>
      answer(exchange, {
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'a', version: '1' },
      }),
    );
    const { server: of } = await connectedTo(server);
    expect(of.link.about?.protocolVersion).toBe(protocolVersion);
    expect(await call(of, 'tool')).toMatchObject({ isError: false });
  });

  it('is told of a change of its tools', async () => {
    const tools = await simulatedServer();
    const { server, told, toolNames } = await connectedTo(tools);
    await tools.waitForRequest(({ method }) => method === 'GET');

    await tools.add({ name: 'new', run: () => textResult('new') });
    await until('it is listed', () => (toolNames().includes('new') ? true : undefined));
    await tools.remove('new', 'echo');
    await until('it is not', () => (toolNames().includes('new') ? undefined : true));
    expect(toolNames()).not.toContain('echo');
    expect(told).toEqual(['tools', 'connected', 'tools', 'tools']);
    expect(await call(server, 'failing')).toMatchObject({ isError: true, error: 'it went wrong' });
  });

  it('may speak nothing but the version without sessions', async () => {
    const tools = await simulatedServer({ newest: true });
    const { server, toolNames } = await connectedTo(tools);
    expect(server.link.about?.protocolVersion).toBe('2026-07-28');
    expect(await call(server, 'echo', { text: 'hi' })).toMatchObject({ content: [{ text: 'hi' }] });

    await tools.add({ name: 'new', run: () => textResult('new') });
    await until('it is listed', () => (toolNames().includes('new') ? true : undefined));
    await tools.waitForRequest(({ rpcMethod }) => rpcMethod === 'subscriptions/listen');

    const controller = new AbortController();
    const result = server.call('slow', {}, ALICE, controller.signal);
    const seen = await tools.waitForCall(({ tool }) => tool === 'slow');
    controller.abort(new Error('the caller has left'));
    await expect(result).rejects.toThrow('the caller has left');
    await seen.cancelled;
    expect(await call(server, 'echo', { text: 'on' })).toMatchObject({ content: [{ text: 'on' }] });
    expect(await call(server, 'disappears')).toMatchObject({ isError: true });
  });

  it('shows what is to be seen', async () => {
    const { server } = await connectedTo(await simulatedServer());
    expect(await call(server, 'image')).toMatchObject({
      content: [
        { type: 'text', text: 'one pixel' },
        { type: 'image', mimeType: 'image/png', base64: PIXEL },
      ],
    });
  });

  // Results go to models and errors into records: a header that is said back is in both.
  it('is not repeated what of its headers it says back', async () => {
    const token = 'canary-0123456789';
    const tools = await simulatedServer();
    await tools.add({
      name: 'echoes',
      run: ({ headers }) => ({
        ...textResult(`no: ${headers['authorization']}, which is ${token}`),
        structuredContent: { got: headers['authorization'] },
        isError: true,
      }),
    });
    const headers = [{ name: 'authorization', value: new Secret(`Bearer ${token}`) }];
    const { server } = await connectedTo(tools, { headers });

    const result = await call(server, 'echoes');
    expect(JSON.stringify(result)).not.toContain(token);
    expect(result.content).toEqual([{ type: 'text', text: 'no: Bear...6789, which is ca...89' }]);
    expect(result.error).toBe('no: Bear...6789, which is ca...89');
  });

  it('has headers of its own, which go to nobody else', async () => {
    const tools = await simulatedServer();
    const other = await rudeServer();
    const gate = await rudeServer();
    const headers = [{ name: 'authorization', value: new Secret('Bearer canary') }];
    for (const method of ['initialize', 'tools/call']) {
      gate.on(method, ({ res }) => res.writeHead(307, { location: other.url }).end());
    }
    const { server } = await connectedTo(tools, { headers });
    const refused = clientOf(gate, { headers });
    await refused.is('down');

    await call(server, 'whoami', { header: 'authorization' });
    expect(tools.calls.at(-1)?.headers['authorization']).toBe('Bearer canary');
    expect(refused.server.lastError).toBe(
      'it answered with HTTP status 307, and redirects are not followed',
    );
    expect(other.seen).toEqual([]);
  });

  it('that is stopped hears of it', async () => {
    const tools = await simulatedServer();
    const { server } = await connectedTo(tools);
    await server.stop();
    expect(tools.requests.at(-1)?.method).toBe('DELETE');
    expect(tools.sessionCount).toBe(0);
  });
});

describe('a call', () => {
  it('that is given up is cancelled at the server, and its connection closed', async () => {
    const tools = await simulatedServer();
    const { server } = await connectedTo(tools);
    const controller = new AbortController();
    const result = server.call('slow', {}, ALICE, controller.signal);
    const seen = await tools.waitForCall();

    controller.abort(new Error('the caller has left'));
    await expect(result).rejects.toThrow('the caller has left');
    await Promise.all([seen.cancelled, seen.abandoned]);
  });

  it('that is given up before it began is not made', async () => {
    const tools = await simulatedServer();
    const { server } = await connectedTo(tools);
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(server.call('echo', {}, ALICE, gone)).rejects.toThrow('gone');
    expect(tools.calls).toEqual([]);
  });

  it('that takes too long is an error, and cancelled at the server', async () => {
    const tools = await simulatedServer();
    const { server } = await connectedTo(tools, { callTimeoutMs: 100 });
    const result = await call(server, 'slow');
    expect(result.content).toEqual([
      { type: 'text', text: 'The tool did not answer within 0.1 s.' },
    ]);
    const [seen] = tools.calls;
    await Promise.all([seen?.cancelled, seen?.abandoned]);
  });

  it('whose server breaks the connection is an error at once', async () => {
    const tools = await simulatedServer();
    const { server } = await connectedTo(tools);
    const result = await call(server, 'disappears');
    expect(result).toMatchObject({
      isError: true,
      error: 'The connection to the tool server broke before it had answered.',
    });
  });

  it('in a session that the server has forgotten is made once more in a new one', async () => {
    const tools = await simulatedServer();
    const { server } = await connectedTo(tools);
    await tools.forgetSessions();
    expect(await call(server, 'echo', { text: 'hi' })).toMatchObject({ isError: false });
    expect(tools.calls).toHaveLength(1);
  });

  it('of a server that forgets every session is an error', async () => {
    const server = (await rudeServer()).on('tools/call', ({ res }) => res.writeHead(404).end());
    const { server: of } = await connectedTo(server);
    expect(await call(of, 'tool')).toMatchObject({
      isError: true,
      error: 'it answered with HTTP status 404',
    });
    expect(server.count('tools/call')).toBe(2);
  });

  it('of a server that is down is an error at once, until it is there again', async () => {
    const tools = await simulatedServer();
    const { server, is, told } = await connectedTo(tools);
    const { port } = tools;
    await tools.close();
    expect(await call(server, 'echo', { text: 'hi' })).toMatchObject({ isError: true });
    await is('down');
    expect(await call(server, 'echo', { text: 'hi' })).toMatchObject({
      isError: true,
      content: [{ text: 'The tool server could not be reached.' }],
    });

    await simulatedServer({ port });
    await is('connected');
    expect(await call(server, 'echo', { text: 'hi' })).toMatchObject({ isError: false });
    expect(told).toEqual(['tools', 'connected', 'lost', 'connected']);
  });
});

describe('a server that is told who calls', () => {
  const userHeaders = [{ name: 'x-user', parts: [{ kind: 'id' }] }] as const;

  it('has a session for each caller and one for the list', async () => {
    const tools = await simulatedServer();
    const { server } = await connectedTo(tools, {
      userHeaders,
      headers: [{ name: 'x-user', value: new Secret('the bridge itself') }],
    });
    const who = async (user: typeof ALICE) => {
      const { content } = await call(server, 'whoami', { header: 'x-user' }, user);
      return content;
    };
    expect(await who(ALICE)).toMatchObject([{ text: 'alice' }]);
    expect(await who(BOB)).toMatchObject([{ text: 'bob' }]);
    expect(await who(ALICE)).toMatchObject([{ text: 'alice' }]);
    expect(await who({ ...ALICE, id: '' })).toMatchObject([{ text: '(none)' }]);

    const sessions = tools.calls.map(({ sessionId }) => sessionId);
    expect(sessions[0]).toBe(sessions[2]);
    expect(new Set(sessions).size).toBe(3);
    const list = tools.requests.find(({ rpcMethod }) => rpcMethod === 'tools/list');
    expect(sessions).not.toContain(list?.headers['mcp-session-id']);
    expect(tools.requests.filter(({ method }) => method === 'GET')).toHaveLength(1);
    expect(server.userSessionCount).toBe(2);
  });

  it('that has forgotten a caller is called in a new session', async () => {
    const tools = await simulatedServer();
    const { server } = await connectedTo(tools, { userHeaders });
    await call(server, 'echo', { text: 'hi' });
    await tools.forgetSessions();
    expect(await call(server, 'echo', { text: 'hi' })).toMatchObject({ isError: false });
    expect(tools.calls).toHaveLength(2);
  });

  it('does not keep a caller who leaves waiting', async () => {
    const server = await rudeServer();
    const { server: of } = await connectedTo(server, { userHeaders });
    server.on('initialize', () => undefined);
    const controller = new AbortController();
    const result = of.call('tool', {}, ALICE, controller.signal);
    await server.waitFor('initialize', 2);
    controller.abort(new Error('gone'));
    await expect(result).rejects.toThrow('gone');
  });
});
