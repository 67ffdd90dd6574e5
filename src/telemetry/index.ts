export { Logger, type LogFields } from './logger.ts';
export { PinoLogger } from './pino-logger.ts';
