export { BoundedLabel } from './bounded-label.ts';
export { Logger, type LogFields } from './logger.ts';
export { Metrics } from './metrics.ts';
export { PinoLogger } from './pino-logger.ts';
export { Tally } from './tally.ts';
export type { Tracing } from './tracing.ts';
