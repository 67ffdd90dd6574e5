import { Simulator, type SimulatorOptions } from './simulator.ts';

export { answer, bigAnswer, bigFrame } from './behaviours/answer.ts';
export { combine, compressed, withHeaders } from './behaviours/behaviour.ts';
export {
  cut,
  neverAnswers,
  paced,
  resetBeforeHeaders,
  slowFirstToken,
  slowHeaders,
  splitAt,
  splitEvery,
  stall,
  stepped,
} from './behaviours/delivery.ts';
export {
  commentFrames,
  crlf,
  errorFirst,
  errorMidStream,
  framed,
  keepAlives,
  malformedFrame,
  missingTerminal,
  unknownEvents,
} from './behaviours/frame-edit.ts';
export {
  badRequest,
  creditExhausted,
  forbidden,
  overloaded,
  rateLimited,
  serverError,
  unauthorized,
} from './behaviours/problem.ts';
export { rawResponse, rawSocket } from './behaviours/raw.ts';
export { awsChunk, awsException } from './aws/event-stream.ts';
export type { Answer, TokenCounts, ToolCall } from './behaviours/answer.ts';
export type { Behaviour } from './behaviours/behaviour.ts';
export type { Call, Outcome } from './call.ts';
export type { RouteName } from './routes.ts';
export type { Script, Scripted } from './script.ts';
export type { Simulator, SimulatorOptions } from './simulator.ts';

/** Starts simulated providers on a port of their own. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  return new Simulator(options).listen();
}
