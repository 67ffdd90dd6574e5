import { Injectable } from '@nestjs/common';
import { waited } from '../core/waited.ts';
import { ProviderInstancesService } from '../upstream/provider-instances.service.ts';
import { DataPlaneSettingsService } from './data-plane-settings.service.ts';
import { DataPlane } from './data-plane.ts';

const FAREWELL_MS = 1_000;

/** Builds the data plane, and takes it down again. */
@Injectable()
export class DataPlaneService {
  readonly dataPlane: DataPlane;

  constructor(
    private readonly providers: ProviderInstancesService,
    { options }: DataPlaneSettingsService,
  ) {
    this.dataPlane = new DataPlane(providers.all, options);
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
