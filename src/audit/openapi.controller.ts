import { Controller, Get, Header } from '@nestjs/common';
import { documentationPage } from './documentation-page.ts';
import { openApiDocument, type OpenApiDocument } from './openapi-document.ts';
import { AUDIT_OPERATIONS } from './operations.ts';

/** For everybody: it says how to ask, not what is known. */
@Controller('api')
export class OpenApiController {
  readonly #document = openApiDocument(AUDIT_OPERATIONS, {
    title: 'AI Bridge audit',
    version: '1',
    description: 'What went through the bridge: who asked what, with which key, at what cost.',
  });
  readonly #page = documentationPage(this.#document);

  @Get('openapi.json')
  document(): OpenApiDocument {
    return this.#document;
  }

  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
  page(): string {
    return this.#page;
  }
}
