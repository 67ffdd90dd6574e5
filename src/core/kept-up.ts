import { waited } from './waited.ts';

export interface Pauses {
  readonly minMs: number;
  readonly maxMs: number;
  /** From 0 up to 1, so that those who lost the same thing do not all come back at the same instant. */
  readonly random: () => number;
}

export interface KeepingUp {
  readonly signal: AbortSignal;
  readonly pauses: Pauses;
  /** Told of every failure, unless it is that of the signal; may answer how long to wait instead. */
  readonly failed: (error: unknown) => number | undefined;
}

/**
 * Does over and over what is meant to last, such as a connection: when it fails, again after a
 * pause, which is twice as long after every failure until the task says that it is up.
 */
export async function keptUp(
  task: (isUp: () => void) => Promise<void>,
  { signal, pauses, failed }: KeepingUp,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await task(() => (failures = 0));
    } catch (error) {
      if (signal.aborted) return;
      const longestMs = Math.min(pauses.maxMs, pauses.minMs * 2 ** failures);
      failures += 1;
      await waited(failed(error) ?? longestMs * (0.5 + pauses.random() / 2), signal);
    }
  }
}
