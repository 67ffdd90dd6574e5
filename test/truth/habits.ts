/**
 * What clients and providers do of which a reader has to know. Each is drawn at random once
 * it is switched on; what the record must say then is written from the contract.
 */
export const HABITS = [
  /** Comments before the first event of a stream, and for longer than a reader may hold them. */
  'keep_alives',
  /** A stream that ends cleanly and is finished, but for the event that says so. */
  'missing_terminal',
  /** An event in the middle of a stream that is no JSON. */
  'broken_event',
  /** Messages of the system between and after those of the user. */
  'system_messages',
  /** A beginning of the answer, put into the assistant's mouth. */
  'prefill',
  /** Blocks of text in the user's turn that a machine has written. */
  'system_reminders',
  /** Tools of the bridge's, which the model calls before it answers. */
  'tool_loops',
] as const;

export type Habit = (typeof HABITS)[number];
export type Habits = ReadonlySet<Habit>;

/** Those that a run draws unless it is told others: what the readers record as they should. */
export const HABITS_READ: Habits = new Set(HABITS);

/** From a list such as `prefill,broken_event`; `all` and `none` are lists, too. */
export function habitsNamed(names: string): Habits {
  if (names === 'all') return new Set(HABITS);
  const wanted = names === 'none' ? [] : names.split(',');
  return new Set(
    wanted.map((name) => {
      const habit = HABITS.find((known) => known === name);
      if (habit === undefined)
        throw new Error(`no such habit: ${name}; there are ${HABITS.join(', ')}`);
      return habit;
    }),
  );
}
