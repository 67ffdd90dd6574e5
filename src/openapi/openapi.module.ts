import { Module, type DynamicModule } from '@nestjs/common';
import { OpenApiDocument } from './openapi-document.ts';
import { OpenApiController } from './openapi.controller.ts';

@Module({})
export class OpenApiModule {
  static register(document: OpenApiDocument): DynamicModule {
    return {
      module: OpenApiModule,
      controllers: [OpenApiController],
      providers: [{ provide: OpenApiDocument, useValue: document }],
    };
  }
}
