import { env } from 'node:process';

/** `FAULTS=long`: as long as the guarantees say; otherwise as long as a developer waits. */
const isLong = env['FAULTS'] === 'long';

export function shortOrLong<T>(short: T, long: T): T {
  return isLong ? long : short;
}

/** `FAULTS_SEED`: the random choices of a run that failed, once more. */
export const faultsSeed = Number(env['FAULTS_SEED'] ?? Date.now() % 1_000_000);
