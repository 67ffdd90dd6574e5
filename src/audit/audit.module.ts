import {
  Module,
  type DynamicModule,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { EndingsBellService } from './live/endings-bell.service.ts';
import { ExportController } from './export/export.controller.ts';
import { ExportService } from './export/export.service.ts';
import { FacetsController } from './facets/facets.controller.ts';
import { InterceptionsController } from './interceptions/interceptions.controller.ts';
import { LiveTailService } from './live/live-tail.service.ts';
import { LiveController } from './live/live.controller.ts';
import { MeController } from './me/me.controller.ts';
import { OpenStreamsService } from './http/open-streams.service.ts';
import { PrismaEndings } from './live/prisma-endings.ts';
import { PrismaExportPages } from './export/prisma-export-pages.ts';
import { PrismaFacets } from './facets/prisma-facets.ts';
import { PrismaInterceptions } from './interceptions/prisma-interceptions.ts';
import { PrismaReads, sayLag } from './question/prisma-reads.ts';
import { PrismaSessions } from './sessions/prisma-sessions.ts';
import { PrismaUsage } from './usage/prisma-usage.ts';
import { SessionsController } from './sessions/sessions.controller.ts';
import { UsageController } from './usage/usage.controller.ts';

@Module({})
export class AuditModule implements NestModule {
  /** For those that ask what a standby may answer. */
  configure(consumer: MiddlewareConsumer): void {
    consumer
      .apply(sayLag)
      .forRoutes(
        ExportController,
        InterceptionsController,
        SessionsController,
        UsageController,
        FacetsController,
      );
  }

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
        PrismaExportPages,
        PrismaFacets,
        PrismaInterceptions,
        PrismaReads,
        PrismaSessions,
        PrismaUsage,
      ],
    };
  }
}
