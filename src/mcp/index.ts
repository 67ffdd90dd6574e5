export type { CatalogueEntry } from './catalogue.ts';
export type { ToolServerSnapshot } from './toolbox.ts';
export type { OfferedTool, ToolContent, ToolResult, ToolServers, ToolUser } from './tool-offer.ts';
