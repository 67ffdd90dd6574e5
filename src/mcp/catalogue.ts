import type { ListedTool } from './tools/tool-list.ts';
import { filterVerdict, type FilterVerdict, type ToolPatterns } from './tools/tool-filter.ts';
import { byBytes, offeredName } from './tools/tool-name.ts';
import type { OfferedTool } from './tool-offer.ts';

/** A server with what it has listed. */
export interface ListedServer extends ToolPatterns {
  readonly name: string;
  /** As it may be shown. */
  readonly url: string;
  readonly tools: readonly ListedTool[];
}

/** Why a tool is not offered. */
export type Refusal = Exclude<FilterVerdict, 'offered'> | 'name_taken' | 'malformed';

export interface CatalogueEntry {
  /** As models know it, or would. */
  readonly name: string;
  /** As the server knows it. */
  readonly tool: string;
  readonly description: string;
  /** Undefined: it is not offered. */
  readonly offered: OfferedTool | undefined;
  readonly refusal: { readonly reason: Refusal; readonly detail: string } | undefined;
}

const DETAILS: Readonly<Record<Exclude<FilterVerdict, 'offered'>, string>> = {
  not_allowed: 'the patterns of allowed tools do not find it',
  denied: 'the pattern of denied tools finds it',
  conflict: 'it is denied although it is allowed as well',
};

/**
 * What is offered of each server, in the order of the servers. Of two tools that come to the
 * same name, the first keeps it, by the order of servers and then of the tools' own names.
 */
export function catalogueOf(servers: readonly ListedServer[]): CatalogueEntry[][] {
  const owners = new Map<string, string>();
  return servers.map((server) =>
    server.tools
      .toSorted((a, b) => byBytes(a.tool, b.tool))
      .map((tool) => entryOf(server, tool, owners)),
  );
}

function entryOf(
  server: ListedServer,
  listed: ListedTool,
  owners: Map<string, string>,
): CatalogueEntry {
  const { tool, description, input } = listed;
  const name = offeredName(server.name, tool);
  const entry = { name, tool, description };
  const refused = (reason: Refusal, detail: string): CatalogueEntry => ({
    ...entry,
    offered: undefined,
    refusal: { reason, detail },
  });
  const verdict = filterVerdict(tool, server);
  if (verdict !== 'offered') return refused(verdict, DETAILS[verdict]);
  if (input.kind === 'malformed') return refused('malformed', input.reason);
  const owner = owners.get(name);
  if (owner !== undefined) return refused('name_taken', `${owner} has this name`);
  owners.set(name, `${tool} of ${server.name}`);
  const of = { inputSchema: input.schema, server: server.name, serverUrl: server.url };
  return { ...entry, offered: { ...entry, ...of }, refusal: undefined };
}
