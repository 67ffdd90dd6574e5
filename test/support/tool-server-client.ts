import { afterEach } from 'vitest';
import type { McpServerConfig } from '../../src/config/index.ts';
import { SystemClock } from '../../src/core/clock.ts';
import type { Clock } from '../../src/core/clock.ts';
import { ToolServer } from '../../src/mcp/tool-server.ts';
import type { ToolResult } from '../../src/mcp/tool-offer.ts';
import { ToolServer as SimulatedServer, type ToolServerOptions } from '../simulator/mcp/index.ts';
import { RudeToolServer } from './rude-tool-server.ts';
import { until } from './until.ts';

export const RESULT_MAX = 10_000;
export const ALICE = { id: 'alice', metadata: {}, groups: [] };
export const BOB = { id: 'bob', metadata: {}, groups: [] };
const NEVER = new AbortController().signal;

interface Running {
  close?(): Promise<void>;
  stop?(): Promise<void>;
}

/** Servers and clients of them that end with the test. */
const running: Running[] = [];
afterEach(async () => {
  for (const each of running.splice(0).toReversed()) await (each.close?.() ?? each.stop?.());
});

export function endingWithTest<T extends Running>(one: T): T {
  running.push(one);
  return one;
}

export async function simulatedServer(options: ToolServerOptions = {}): Promise<SimulatedServer> {
  return endingWithTest(await SimulatedServer.start(options));
}

export async function rudeServer(): Promise<RudeToolServer> {
  return endingWithTest(await RudeToolServer.start());
}

export function aServerConfig(config: Partial<McpServerConfig> = {}): McpServerConfig {
  return {
    name: 'docs',
    url: 'http://127.0.0.1:9/mcp',
    headers: [],
    userHeaders: [],
    groups: undefined,
    toolAllow: undefined,
    toolDeny: undefined,
    callTimeoutMs: 20_000,
    ...config,
  };
}

/** What the bridge makes of a server, which is tried again at once when it fails. */
export function clientOf(
  { url }: { readonly url: string },
  config: Partial<McpServerConfig> = {},
  clock: Clock = new SystemClock(),
) {
  const told: string[] = [];
  const server = new ToolServer(aServerConfig({ url, ...config }), {
    clock,
    resultBytesMax: RESULT_MAX,
    pauses: { minMs: 1, maxMs: 20, random: () => 0 },
    pingEveryMs: 20,
    userSessions: { sessionsMax: 2, idleMs: 60_000 },
    witness: {
      connected: () => told.push('connected'),
      lost: () => told.push('lost'),
      toolsChanged: () => told.push('tools'),
    },
  });
  endingWithTest(server);
  server.start();
  const toolNames = (): string[] => server.link.list.tools.map(({ tool }) => tool);
  const is = (state: string): Promise<true> =>
    until(`the server is ${state}`, () => (server.link.state === state ? true : undefined));
  return { server, told, toolNames, is };
}

export async function connectedTo(
  to: { readonly url: string },
  config: Partial<McpServerConfig> = {},
  clock?: Clock,
) {
  const client = clientOf(to, config, clock);
  await client.is('connected');
  return client;
}

export function call(
  server: ToolServer,
  tool: string,
  input = {},
  user = ALICE,
): Promise<ToolResult> {
  return server.call(tool, input, user, NEVER);
}
