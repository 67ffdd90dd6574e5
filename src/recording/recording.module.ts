import { Module, type DynamicModule } from '@nestjs/common';
import { RecordingService } from './recording.service.ts';

@Module({})
export class RecordingModule {
  /** `imports`: the modules that provide configuration, clock, database and logger. */
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: RecordingModule,
      imports: [...imports],
      providers: [RecordingService],
      exports: [RecordingService],
    };
  }
}
