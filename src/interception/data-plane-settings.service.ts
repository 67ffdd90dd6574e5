import { Injectable } from '@nestjs/common';
import { BridgeConfig } from '../config/index.ts';
import { Clock } from '../core/clock.ts';
import { Identifier } from '../identity/index.ts';
import { McpServersService } from '../mcp/mcp-servers.service.ts';
import type { ToolServers } from '../mcp/index.ts';
import type { DataPlaneOptions } from './data-plane.ts';
import { InterceptionObserversService } from './observers/interception-observers.service.ts';
import type { ToolSettings } from './tools/tool-offer.ts';
import { TurnsKept } from './tools/turns-kept.ts';

/** What of the configuration, and of the other parts, the data plane works with. */
@Injectable()
export class DataPlaneSettingsService {
  readonly options: DataPlaneOptions;

  constructor(
    config: BridgeConfig,
    clock: Clock,
    identifier: Identifier,
    observers: InterceptionObserversService,
    toolServers: McpServersService,
  ) {
    this.options = {
      clock,
      identifier,
      recorder: () => observers.recorder(),
      observers: () => observers.all,
      placeholderKey: config.identity.placeholderKey,
      identityHeaders: identifier.headerNames,
      sendActorHeaders: config.identity.sendActorHeaders,
      bodyBytesMax: config.server.maxBodyBytes,
      recordsPassthrough: config.audit.passthrough,
      tools: toolSettings(config, clock, toolServers),
    };
  }
}

/** Without a server of tools nothing is looked at for their sake. */
function toolSettings(
  { mcp, server }: BridgeConfig,
  clock: Clock,
  servers: ToolServers,
): ToolSettings | undefined {
  if (mcp.servers.length === 0) return undefined;
  const { turnsMax, totalTimeoutMs } = mcp;
  const limits = { turnsMax, totalTimeoutMs, requestBytesMax: server.maxBodyBytes };
  return { servers, kept: new TurnsKept(clock), limits };
}
