import type { OfferedTool, ToolServers, ToolUser } from '../../mcp/index.ts';
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

/** Whose conversation it is. */
export interface Asker {
  readonly instance: Pick<Exchange['instance'], 'name'>;
  readonly caller: ToolUser;
}

export interface Offer {
  /** Of the request with the tools in it; undefined where there are none that it can have. */
  readonly loop: ToolLoop | undefined;
  /** What is asked in place of the caller's request: what was kept of it is put back without new tools too. */
  readonly request: RequestText | undefined;
  readonly notes: readonly string[];
}

/** What clients ask for beside the conversation gets no tools: it is not about anything that they do. */
const WITH_TOOLS: ReadonlySet<Purpose> = new Set(['main', 'subagent']);

/**
 * Offers the bridge's tools with a request, and puts back what was kept from its caller. Where there is
 * neither, nothing is done to it.
 */
export function offerTools(
  { instance, caller }: Asker,
  { dialect, request, purpose }: { dialect: ToolDialect; request: RequestText; purpose: Purpose },
  { servers, kept, limits }: ToolSettings,
): Offer | undefined {
  const keptFor = kept.of(`${instance.name} ${caller.id}`);
  const putBack = keptFor.isEmpty ? undefined : dialect.restored(request, keptFor.find);
  const restored = putBack && textOf(putBack);
  const tools = WITH_TOOLS.has(purpose) ? servers.offerFor(caller) : NO_TOOLS;
  if (tools.length === 0) return restored && { loop: undefined, request: restored, notes: [] };
  const callers = dialect.callersTools(request.body);
  if (typeof callers === 'string')
    return { loop: undefined, request: restored, notes: [notOffered(callers)] };
  const offered = tools.filter(({ name }) => !callers.has(name));
  const notes = tools
    .filter(({ name }) => callers.has(name))
    .map(({ name }) => `the caller brings a tool ${name} of its own`);
  if (offered.length === 0) return { loop: undefined, request: restored, notes };
  // A conversation may be long: it is not read again for the tools, which nobody looks for in `body`.
  const whole = restored ?? request;
  const asked = { json: dialect.withTools(whole, offered), body: whole.body };
  const loop = new ToolLoop(asked, {
    dialect,
    tools: offered,
    servers,
    limits,
    user: caller,
    keep: keptFor.keep,
  });
  return { loop, request: loop.request, notes };
}

function notOffered(why: string): string {
  return `the bridge’s tools were not offered: ${why}`;
}

const NO_TOOLS: readonly OfferedTool[] = [];
