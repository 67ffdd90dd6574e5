import type { McpServerConfig } from '../settings/bridge-config.ts';
import { MCP } from '../settings/family-settings.ts';
import { nameAt } from '../settings/setting.ts';
import type { SettingsReader } from './settings-reader.ts';
import { quoted } from '../settings/shown-text.ts';

export function readMcpServers(reader: SettingsReader): McpServerConfig[] {
  const owners = new Map<string, number>();
  return reader.indices(MCP.name).flatMap((index) => {
    const server = readServer(reader, index);
    if (server === undefined) return [];
    const owner = owners.get(server.name);
    if (owner === undefined) owners.set(server.name, index);
    else {
      const got = `${quoted(server.name)}, which ${nameAt(MCP.name, owner)} has`;
      reader.refuse(nameAt(MCP.name, index), got, 'a name of its own');
    }
    return [server];
  });
}

function readServer(reader: SettingsReader, index: number): McpServerConfig | undefined {
  const name = reader.read(MCP.name, index);
  const url = reader.read(MCP.url, index);
  const headers = reader.read(MCP.headers, index) ?? [];
  const toolAllow = reader.read(MCP.toolAllow, index);
  const toolDeny = reader.read(MCP.toolDeny, index);
  for (const needed of [MCP.name, MCP.url]) {
    if (reader.isGiven(needed, index)) continue;
    reader.refuse(nameAt(needed, index), 'nothing', needed.type.wants);
  }
  if (name === undefined || url === undefined) return undefined;
  return { name, url, headers, toolAllow, toolDeny };
}
