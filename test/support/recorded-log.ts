import { Logger, type LogFields } from '../../src/telemetry/index.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Keeps what is logged, for a test to read. */
export class RecordedLog extends Logger {
  readonly lines: {
    readonly level: Level;
    readonly message: string;
    readonly fields: LogFields;
  }[] = [];

  override debug(message: string, fields?: LogFields): void {
    this.#keep('debug', message, fields);
  }

  override info(message: string, fields?: LogFields): void {
    this.#keep('info', message, fields);
  }

  override warn(message: string, fields?: LogFields): void {
    this.#keep('warn', message, fields);
  }

  override error(message: string, fields?: LogFields): void {
    this.#keep('error', message, fields);
  }

  /** Those that are worth more than debugging, as `level message`. */
  get said(): readonly string[] {
    return this.lines
      .filter(({ level }) => level !== 'debug')
      .map(({ level, message }) => `${level} ${message}`);
  }

  #keep(level: Level, message: string, fields: LogFields = {}): void {
    this.lines.push({ level, message, fields });
  }
}
