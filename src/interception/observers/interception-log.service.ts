import { Injectable } from '@nestjs/common';
import { BridgeConfig } from '../../config/index.ts';
import { RecordingService } from '../../recording/recording.service.ts';
import { Logger } from '../../telemetry/index.ts';
import { InterceptionLog } from './interception-log.ts';
import type { StartRecorder } from '../record/open-record.ts';

const VERBOSE_LEVELS: ReadonlySet<string> = new Set(['trace', 'debug']);

/** Gives the data plane the recorder of this process, which says in the log what it records. */
@Injectable()
export class InterceptionLogService {
  constructor(
    private readonly config: BridgeConfig,
    private readonly recording: RecordingService,
    private readonly logger: Logger,
  ) {}

  /** Not before the recording has started. */
  recorder(): StartRecorder {
    const isVerbose = VERBOSE_LEVELS.has(this.config.log.level);
    return new InterceptionLog(this.recording.recorder, this.logger, isVerbose);
  }
}
