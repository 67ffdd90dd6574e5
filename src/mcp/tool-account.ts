import type { Meter } from '@opentelemetry/api';
import type { Logger } from '../telemetry/index.ts';
import type { CatalogueEntry, Refusal } from './catalogue.ts';
import type { ToolServer } from './tool-server.ts';

const NAMED_MAX = 20;
/** What nobody can have meant. */
const TOLD: ReadonlySet<Refusal> = new Set(['conflict', 'name_taken', 'malformed']);

/** Tells what the tool servers do, in logs and metrics: never a header, an argument or a result. */
export class ToolAccount {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  connected({ config, link }: ToolServer): void {
    const { protocolVersion } = link.about ?? {};
    const fields = { server: config.name, tools: link.list.tools.length, protocolVersion };
    this.#logger.info('tool server connected', fields);
  }

  lost({ config, lastError }: ToolServer): void {
    const fields = { server: config.name, reason: lastError };
    this.#logger.warn('tool server lost, connecting again', fields);
  }

  listChanged({ config, link }: ToolServer, entries: readonly CatalogueEntry[]): void {
    const server = config.name;
    const offered = entries.filter((entry) => entry.offered !== undefined).length;
    this.#logger.info('tools of a server changed', { server, tools: entries.length, offered });
    if (link.list.isCut) {
      this.#logger.warn('a server has more tools than are read', { server, tools: entries.length });
    }
    const odd = entries.filter(({ refusal }) => refusal && TOLD.has(refusal.reason));
    for (const { tool, name, refusal } of odd.slice(0, NAMED_MAX)) {
      const isConflict = refusal?.reason === 'conflict';
      const message = isConflict
        ? 'tool filtering conflict; marking tool disallowed'
        : 'a tool cannot be offered';
      this.#logger.warn(message, { server, tool, name, reason: refusal?.detail });
    }
  }

  /** What is read when somebody scrapes. */
  measure(
    meter: Meter,
    servers: readonly ToolServer[],
    offeredOf: (index: number) => number,
  ): void {
    if (servers.length === 0) return;
    meter
      .createObservableGauge('aibridge_mcp_server_up', {
        description: 'Of each tool server, 1 while it is connected and 0 while it is not',
      })
      .addCallback((result) => {
        for (const { config, link } of servers) {
          result.observe(link.state === 'connected' ? 1 : 0, { server: config.name });
        }
      });
    meter
      .createObservableGauge('aibridge_mcp_tools', {
        description: 'How many tools of each server are offered to those who may use it',
      })
      .addCallback((result) => {
        for (const [index, { config }] of servers.entries()) {
          result.observe(offeredOf(index), { server: config.name });
        }
      });
  }
}
