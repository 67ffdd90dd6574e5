import type { OfferedTool, ToolServers } from '../../mcp/index.ts';
import type { Purpose } from '../../recording/index.ts';
import type { RequestText, ToolDialect } from '../apis/tool-dialect.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { TurnsKept } from './turns-kept.ts';
import { textOf, ToolLoop, type LoopLimits } from './tool-loop.ts';

export interface ToolSettings {
  readonly servers: ToolServers;
  readonly kept: TurnsKept;
  readonly limits: LoopLimits;
}

export interface Offer {
  /** Of the request with the tools in it; undefined where there are none that it can have. */
  readonly loop: ToolLoop | undefined;
  readonly notes: readonly string[];
}

/** What clients ask for beside the conversation gets no tools: it is not about anything that they do. */
const WITH_TOOLS: ReadonlySet<Purpose> = new Set(['main', 'subagent']);

/**
 * Offers the bridge's tools with a request. Without any that its caller may use, nothing is done to it.
 */
export function offerTools(
  exchange: Exchange,
  { dialect, request, purpose }: { dialect: ToolDialect; request: RequestText; purpose: Purpose },
  { servers, kept, limits }: ToolSettings,
): Offer | undefined {
  const tools = WITH_TOOLS.has(purpose) ? servers.offerFor(exchange.caller) : NO_TOOLS;
  if (tools.length === 0) return undefined;
  const callers = dialect.callersTools(request.body);
  if (typeof callers === 'string') return { loop: undefined, notes: [notOffered(callers)] };
  const offered = tools.filter(({ name }) => !callers.has(name));
  const notes = tools
    .filter(({ name }) => callers.has(name))
    .map(({ name }) => `the caller brings a tool ${name} of its own`);
  if (offered.length === 0) return { loop: undefined, notes };
  const keptFor = kept.of(`${exchange.instance.name} ${exchange.caller.id}`);
  const restored = keptFor.isEmpty ? undefined : dialect.restored(request, keptFor.find);
  // A conversation may be long: it is not read again for what is put in beside it.
  const whole = restored === undefined ? request : textOf(restored);
  const asked = { json: dialect.withTools(whole, offered), body: whole.body };
  const loop = new ToolLoop(asked, {
    dialect,
    tools: offered,
    servers,
    limits,
    user: exchange.caller,
    keep: keptFor.keep,
  });
  return { loop, notes };
}

function notOffered(why: string): string {
  return `the bridge’s tools were not offered: ${why}`;
}

const NO_TOOLS: readonly OfferedTool[] = [];
