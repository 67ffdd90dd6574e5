import { z } from 'zod';
import type { CatalogueEntry, ToolServerSnapshot } from '../mcp/index.ts';
import { count, time } from './key-shape.ts';

const toolSchema = z
  .object({
    name: z
      .string()
      .meta({ description: 'As models know it, or would.', examples: ['bmcp_docs_search'] }),
    tool: z.string().meta({ description: 'As the server knows it.', examples: ['search'] }),
    description: z.string(),
    refusal: z
      .object({
        reason: z.enum(['not_allowed', 'denied', 'conflict', 'name_taken', 'malformed']).meta({
          description:
            'not_allowed, denied: by the patterns of its server. conflict: both allowed and denied. ' +
            'name_taken: another tool comes to the same name. malformed: not as vendors take it.',
        }),
        detail: z.string(),
      })
      .nullable()
      .meta({ description: 'Why it is not offered; null: it is.' }),
  })
  .meta({ id: 'Tool' });

const toolServerSchema = z
  .object({
    name: z.string().meta({ examples: ['docs'] }),
    url: z.string().meta({
      description: 'Without its query.',
      examples: ['https://mcp.example.com/mcp'],
    }),
    state: z.enum(['connecting', 'connected', 'down']).meta({
      description: 'connecting: since the start. down: it is tried again, at most once a minute.',
    }),
    since: time,
    lastError: z
      .string()
      .nullable()
      .meta({ description: 'Why it last failed, even if all is well by now.' }),
    protocolVersion: z
      .string()
      .nullable()
      .meta({ examples: ['2025-11-25'] }),
    serverInfo: z.object({ name: z.string(), version: z.string() }).nullable().meta({
      description: 'What the server calls itself.',
    }),
    groups: z
      .array(z.string())
      .nullable()
      .meta({ description: 'Whose members are offered its tools; null: everybody.' }),
    userSessions: count.meta({
      description: 'How many callers have a session of their own at the moment.',
    }),
    isListCut: z
      .boolean()
      .meta({ description: 'Whether the server lists more tools than are read.' }),
    tools: z.array(toolSchema),
  })
  .meta({ id: 'ToolServer', description: 'A server of tools, as this replica sees it.' });

export const toolServersAnswerSchema = z
  .object({ items: z.array(toolServerSchema) })
  .meta({ id: 'ToolServers' });

export type ToolServersAnswer = z.infer<typeof toolServersAnswerSchema>;
type ToolServerItem = z.infer<typeof toolServerSchema>;

const NAME_LENGTH_MAX = 200;

export function toolServerItem(snapshot: ToolServerSnapshot): ToolServerItem {
  const { name, url, state, sinceMs, serverInfo, userSessions, isListCut, tools } = snapshot;
  return {
    name,
    url,
    state,
    since: new Date(sinceMs).toISOString(),
    lastError: snapshot.lastError ?? null,
    protocolVersion: snapshot.protocolVersion ?? null,
    serverInfo: serverInfo
      ? { name: shortened(serverInfo.name), version: shortened(serverInfo.version) }
      : null,
    groups: snapshot.groups === undefined ? null : [...snapshot.groups],
    userSessions,
    isListCut,
    tools: tools.map((tool) => toolItem(tool)),
  };
}

function toolItem({ name, tool, description, refusal }: CatalogueEntry) {
  return { name, tool, description, refusal: refusal ?? null };
}

function shortened(text: string): string {
  return text.slice(0, NAME_LENGTH_MAX);
}
