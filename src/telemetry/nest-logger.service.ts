import type { LoggerService } from '@nestjs/common';
import type { Logger } from './logger.ts';

/** Lets what Nest and its modules say go the way of every other log line. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  /** Nest's own start-up chatter, and progress that few want to read. */
  log(message: unknown, context?: unknown): void {
    const isFramework = typeof context === 'string' && FRAMEWORK.has(context);
    if (isFramework) this.logger.debug(String(message), fields(context));
    else this.logger.info(String(message), fields(context));
  }

  debug(message: unknown, context?: unknown): void {
    this.logger.debug(String(message), fields(context));
  }

  verbose(message: unknown, context?: unknown): void {
    this.logger.debug(String(message), fields(context));
  }

  warn(message: unknown, context?: unknown): void {
    this.logger.warn(String(message), fields(context));
  }

  error(message: unknown, stackOrContext?: unknown, context?: unknown): void {
    this.logger.error(String(message), { ...fields(context), stack: stackOrContext });
  }
}

const FRAMEWORK = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

function fields(context: unknown): Record<string, unknown> {
  return typeof context === 'string' ? { context } : {};
}
