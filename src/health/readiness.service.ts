import { Injectable } from '@nestjs/common';
import { DataPlaneService } from '../interception/data-plane.service.ts';
import { RecordingService } from '../recording/recording.service.ts';

@Injectable()
export class ReadinessService {
  constructor(
    private readonly data: DataPlaneService,
    private readonly recording: RecordingService,
  ) {}

  /** Empty when the bridge can take traffic. A database that is away is no reason: the journal waits for it. */
  reasonsAgainst(): readonly string[] {
    const { journal } = this.recording;
    return [
      ...(this.data.dataPlane.isDraining ? ['draining'] : []),
      ...(journal.isFull ? ['journal full'] : []),
      ...(journal.failure === undefined ? [] : ['journal cannot be written']),
    ];
  }
}
