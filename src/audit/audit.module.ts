import { Module, type DynamicModule } from '@nestjs/common';
import { InterceptionsController } from './interceptions.controller.ts';
import { MeController } from './me.controller.ts';
import { PrismaInterceptions } from './prisma-interceptions.ts';

@Module({})
export class AuditModule {
  /** `imports`: the modules that provide configuration, identity and database. */
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: AuditModule,
      imports: [...imports],
      controllers: [InterceptionsController, MeController],
      providers: [PrismaInterceptions],
    };
  }
}
