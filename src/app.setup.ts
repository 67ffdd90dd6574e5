import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { registerGauges } from './app.gauges.ts';
import { AppModule } from './app.module.ts';
import { ApiExceptionFilter } from './audit/http/api-exception.filter.ts';
import { parseQuery } from './audit/http/query-string.ts';
import { ValidationPipe } from './audit/http/validation.pipe.ts';
import type { BridgeConfig } from './config/index.ts';
import { DataPlaneService } from './interception/data-plane.service.ts';
import type { Logger } from './telemetry/index.ts';
import { NestLogger } from './telemetry/nest-logger.service.ts';

/** First path segments that are not providers; the configuration keeps providers from these names. */
const OWN_ROUTES = new Set(['', 'api', 'healthz', 'readyz', 'metrics', 'assets']);

const HEADER_BYTES_MAX = 128 * 1024;
const HEADER_COUNT_MAX = 500;

/** Answers false for what is none of the data plane's business. */
type DataPlaneListener = (req: IncomingMessage, res: ServerResponse) => boolean;

/** Clients send long headers, and some wait long between two requests on one connection. */
class BridgeHttpAdapter extends ExpressAdapter {
  #dataPlane: DataPlaneListener = () => false;

  override initHttpServer(): void {
    const nest = this.getInstance();
    this.httpServer = createServer(
      { maxHeaderSize: HEADER_BYTES_MAX, keepAliveTimeout: 75_000 },
      (req: IncomingMessage, res: ServerResponse) => {
        if (!this.#dataPlane(req, res)) nest(req, res);
      },
    );
    this.httpServer.maxHeadersCount = HEADER_COUNT_MAX;
  }

  /** What providers are asked goes no way but the shortest: Nest and Express never see it. */
  mountDataPlane(listener: DataPlaneListener): void {
    this.#dataPlane = listener;
  }

  /**
   * Called when the data plane has been drained: what is still connected has nothing to
   * wait for, and the server alone would let a connection without a request keep it alive.
   */
  override close(): Promise<unknown> | undefined {
    const closed = super.close();
    this.httpServer.closeAllConnections();
    return closed;
  }
}

export async function createApp(config: BridgeConfig, logger: Logger): Promise<INestApplication> {
  const adapter = new BridgeHttpAdapter();
  const app = await NestFactory.create(AppModule.register(config, logger), adapter, {
    bodyParser: false,
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  const express = app.getHttpAdapter().getInstance();
  express.disable('x-powered-by');
  express.disable('etag');
  express.set('query parser', parseQuery);
  app.useGlobalPipes(new ValidationPipe());
  app.useGlobalFilters(new ApiExceptionFilter());
  registerGauges(app);
  adapter.mountDataPlane(dataPlaneListener(app, logger));
  return app;
}

function dataPlaneListener(app: INestApplication, logger: Logger): DataPlaneListener {
  const { dataPlane } = app.get(DataPlaneService);
  return (req, res) => {
    const [, segment = ''] = /^\/([^/?#]*)/.exec(req.url ?? '') ?? [];
    if (OWN_ROUTES.has(segment)) return false;
    dataPlane.handle(req, res).catch((error: Error) => {
      const cause = error.cause instanceof Error ? error.cause : error;
      logger.error('a request failed for a fault of the bridge', { stack: cause.stack });
    });
    return true;
  };
}
