import { TIMER_MAX_MS, duration, integer, size } from '../values/value-types.ts';
import { setting } from './setting.ts';

/** What holds for the tools of all MCP servers together. */
export const TOOLS = {
  resultMax: setting('AIBRIDGE_MCP_RESULT_MAX', {
    type: size(1024, 64 * 2 ** 20),
    default: '1MiB',
    meaning: 'how large the result of a tool may be; instead of a larger one the model is told so',
  }),
  turns: setting('AIBRIDGE_MCP_TURNS', {
    type: integer(1, 100),
    default: '10',
    meaning: 'how many turns of tool calls one request may take',
  }),
  totalTimeout: setting('AIBRIDGE_MCP_TOTAL_TIMEOUT', {
    type: duration(1, TIMER_MAX_MS),
    default: '5m',
    meaning: 'how long the tools of one request may run all together',
  }),
};
