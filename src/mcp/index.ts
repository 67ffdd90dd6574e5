export type { CatalogueEntry } from './catalogue.ts';
export { Toolbox, type ToolboxParts, type ToolServerSnapshot } from './toolbox.ts';
export type { OfferedTool, ToolContent, ToolResult, ToolServers, ToolUser } from './tool-offer.ts';
