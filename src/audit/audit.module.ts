import { Module, type DynamicModule } from '@nestjs/common';
import { EndingsBellService } from './endings-bell.service.ts';
import { ExportController } from './export.controller.ts';
import { ExportService } from './export.service.ts';
import { FacetsController } from './facets.controller.ts';
import { InterceptionsController } from './interceptions.controller.ts';
import { LiveTailService } from './live-tail.service.ts';
import { LiveController } from './live.controller.ts';
import { MeController } from './me.controller.ts';
import { OpenStreamsService } from './http/open-streams.service.ts';
import { PrismaEndings } from './prisma-endings.ts';
import { PrismaFacets } from './prisma-facets.ts';
import { PrismaInterceptions } from './prisma-interceptions.ts';
import { PrismaSessions } from './prisma-sessions.ts';
import { PrismaUsage } from './prisma-usage.ts';
import { SessionsController } from './sessions.controller.ts';
import { UsageController } from './usage.controller.ts';

@Module({})
export class AuditModule {
  /** `imports`: the modules that provide configuration, clock, identity and database. */
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: AuditModule,
      imports: [...imports],
      // Routes are tried in this order: `export` and `live` before the one that takes any id.
      controllers: [
        ExportController,
        LiveController,
        InterceptionsController,
        SessionsController,
        UsageController,
        FacetsController,
        MeController,
      ],
      providers: [
        EndingsBellService,
        ExportService,
        LiveTailService,
        OpenStreamsService,
        PrismaEndings,
        PrismaFacets,
        PrismaInterceptions,
        PrismaSessions,
        PrismaUsage,
      ],
    };
  }
}
