import type { ToolServer } from '../simulator/mcp/index.ts';
import type { Bridge } from './bridge.ts';
import { until } from './until.ts';

/** The configuration of one tool server, as the environment has it. */
export function toolServerVariables(
  { url }: ToolServer,
  settings: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const all = Object.entries({ NAME: 'test', URL: url, ...settings });
  return Object.fromEntries(all.map(([name, value]) => [`AIBRIDGE_MCP_0_${name}`, value]));
}

/** Resolves when the bridge knows the tools of its servers. */
export async function toolsAreKnown(
  bridge: Bridge,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  await until('the tools are known', async () => {
    const res = await fetch(`${bridge.url}/api/v1/mcp`, { headers });
    return (await res.text()).includes('"connected"') || undefined;
  });
}
