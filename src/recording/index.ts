export type * from './journal/events.ts';
export { JournalRefusal } from './journal/journal.ts';
export {
  Recorder,
  UNRECORDED,
  type EndFacts,
  type InterceptionRecord,
  type StartFacts,
} from './journal/recorder.ts';
