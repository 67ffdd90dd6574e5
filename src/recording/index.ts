export type * from './journal/events.ts';
export { JournalRefusal } from './journal/journal.ts';
export {
  UNRECORDED,
  type EndFacts,
  type InterceptionRecord,
  type PromptFacts,
  type ToolFacts,
  type ToolRow,
} from './journal/journal-record.ts';
export { Recorder, type StartFacts } from './journal/recorder.ts';
export { FAULTS } from './writer/writer-protocol.ts';
