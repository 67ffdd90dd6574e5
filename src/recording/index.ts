export type * from './events.ts';
export { JournalRefusal } from './journal.ts';
export {
  Recorder,
  UNRECORDED,
  type EndFacts,
  type InterceptionRecord,
  type StartFacts,
} from './recorder.ts';
