import { Controller, Get, Header } from '@nestjs/common';
import { documentationPage } from './documentation-page.ts';
import { OpenApiDocument } from './openapi-document.ts';

/** For everybody: it says how to ask, not what is known. */
@Controller('api')
export class OpenApiController {
  readonly #page: string;

  constructor(private readonly published: OpenApiDocument) {
    this.#page = documentationPage(published);
  }

  @Get('openapi.json')
  document(): OpenApiDocument {
    return this.published;
  }

  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
  page(): string {
    return this.#page;
  }
}
