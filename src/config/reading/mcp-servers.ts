import type { McpConfig, McpServerConfig } from '../settings/bridge-config.ts';
import { MCP } from '../settings/family-settings.ts';
import { TOOLS } from '../settings/tool-settings.ts';
import { nameAt } from '../settings/setting.ts';
import type { SettingsReader } from './settings-reader.ts';
import { quoted } from '../settings/shown-text.ts';

export function readMcp(reader: SettingsReader): McpConfig {
  return {
    servers: readServers(reader),
    resultBytesMax: reader.read(TOOLS.resultMax),
    turnsMax: reader.read(TOOLS.turns),
    totalTimeoutMs: reader.read(TOOLS.totalTimeout),
  };
}

function readServers(reader: SettingsReader): McpServerConfig[] {
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
  const rest = {
    headers: reader.read(MCP.headers, index) ?? [],
    userHeaders: reader.read(MCP.userHeaders, index) ?? [],
    groups: reader.read(MCP.groups, index),
    toolAllow: reader.read(MCP.toolAllow, index),
    toolDeny: reader.read(MCP.toolDeny, index),
    callTimeoutMs: reader.read(MCP.callTimeout, index),
  };
  for (const needed of [MCP.name, MCP.url]) {
    if (reader.isGiven(needed, index)) continue;
    reader.refuse(nameAt(needed, index), 'nothing', needed.type.wants);
  }
  return name === undefined || url === undefined ? undefined : { name, url, ...rest };
}
