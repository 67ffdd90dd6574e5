import { Injectable } from '@nestjs/common';
import { DatabaseService, type ReadingState } from '../database/index.ts';
import { DataPlaneService } from '../interception/data-plane.service.ts';
import { McpServersService } from '../mcp/mcp-servers.service.ts';
import { RecordingService } from '../recording/recording.service.ts';

@Injectable()
export class ReadinessService {
  constructor(
    private readonly data: DataPlaneService,
    private readonly recording: RecordingService,
    private readonly database: DatabaseService,
    private readonly tools: McpServersService,
  ) {}

  /** Who answers questions to the audit, where there is a standby for it: no reason for or against anything. */
  get reading(): ReadingState | undefined {
    return this.database.reading;
  }

  /** The state of each tool server, where there are any: no reason for or against anything either. */
  get toolServers(): Readonly<Record<string, string>> | undefined {
    const states = this.tools.snapshots.map(({ name, state }) => [name, state] as const);
    return states.length === 0 ? undefined : Object.fromEntries(states);
  }

  /** Empty when the bridge can take traffic. A database that is away is no reason: the journal waits for it. */
  reasonsAgainst(): readonly string[] {
    const { journal } = this.recording;
    const { state } = this.database;
    const isOutdated = state.kind === 'down' && state.code === 'newer';
    return [
      ...(this.data.dataPlane.isDraining ? ['draining'] : []),
      ...(journal.isFull ? ['journal full'] : []),
      ...(journal.failure === undefined ? [] : ['journal cannot be written']),
      // What is journaled waits for a later version, which may not come to this machine.
      ...(isOutdated ? ['the database is newer than this version'] : []),
    ];
  }
}
