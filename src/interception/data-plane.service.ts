import { Injectable } from '@nestjs/common';
import { BridgeConfig } from '../config/index.ts';
import { Clock } from '../core/clock.ts';
import { waited } from '../core/waited.ts';
import { Identifier } from '../identity/index.ts';
import { ProviderInstancesService } from '../upstream/provider-instances.service.ts';
import type { ToolServers } from '../mcp/index.ts';
import { DataPlane } from './data-plane.ts';
import { McpServersService } from '../mcp/mcp-servers.service.ts';
import { InterceptionObserversService } from './observers/interception-observers.service.ts';
import type { ToolSettings } from './tools/tool-offer.ts';
import { TurnsKept } from './tools/turns-kept.ts';

const FAREWELL_MS = 1_000;

/** Builds the data plane out of what is configured, and takes it down again. */
@Injectable()
export class DataPlaneService {
  readonly dataPlane: DataPlane;

  constructor(
    config: BridgeConfig,
    clock: Clock,
    identifier: Identifier,
    private readonly providers: ProviderInstancesService,
    observers: InterceptionObserversService,
    toolServers: McpServersService,
  ) {
    this.dataPlane = new DataPlane(providers.all, {
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
    });
  }

  /** Waits for the open requests; those that outlast the time are cut off, and recorded so. */
  async stop(drainTimeoutMs: number): Promise<void> {
    const drained = new AbortController();
    const draining = this.dataPlane.drain().then(() => drained.abort());
    await waited(drainTimeoutMs, drained.signal);
    await this.providers.close();
    // Streams that were cut off just now tell their callers so; who does not listen is left.
    await waited(FAREWELL_MS, drained.signal);
    this.dataPlane.hangUp();
    await draining;
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
