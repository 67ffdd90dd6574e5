import { pino, type Logger as Pino } from 'pino';
import pretty from 'pino-pretty';
import type { LogConfig } from '../config/index.ts';
import { Logger, type LogFields } from './logger.ts';

export class PinoLogger extends Logger {
  readonly #pino: Pino;

  constructor(config: LogConfig) {
    super();
    const options = { level: config.level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
    this.#pino =
      config.format === 'pretty'
        ? pino(options, pretty({ ignore: 'pid,hostname', singleLine: true, sync: true }))
        : pino({ ...options, formatters: { level: (label) => ({ level: label }) } });
  }

  override debug(message: string, fields: LogFields = {}): void {
    this.#pino.debug(fields, message);
  }

  override info(message: string, fields: LogFields = {}): void {
    this.#pino.info(fields, message);
  }

  override warn(message: string, fields: LogFields = {}): void {
    this.#pino.warn(fields, message);
  }

  override error(message: string, fields: LogFields = {}): void {
    this.#pino.error(fields, message);
  }
}
