export type { ToolCall } from './tool-call.ts';
export { ToolServer, type SeenRequest, type ToolServerOptions } from './tool-server.ts';
export { PIXEL, STANDARD_TOOLS, textResult, type Tool } from './tools.ts';
