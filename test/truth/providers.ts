import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { keyOf, providerVariables, type FleetProvider } from '../support/fleet.ts';
import { FIRST_BYTE_TIMEOUT_MS, IDLE_TIMEOUT_MS } from './expectation.ts';

export const KEYS = 4;

/** One with rules of its own for its keys. */
export interface TruthProvider extends FleetProvider {
  /** Of each key whose limits it shares; null: nobody's. */
  readonly accounts: readonly (string | null)[];
  /** How long a call may wait for a key. */
  readonly waitMs: number;
  /** Limits each key for each model at its first call, and does not say for how long. */
  readonly isSilent: boolean;
}

const SETTINGS = {
  FIRST_BYTE_TIMEOUT: `${FIRST_BYTE_TIMEOUT_MS}ms`,
  IDLE_TIMEOUT: `${IDLE_TIMEOUT_MS}ms`,
};
const WAIT_MS = 300;
const ACCOUNTS = ['one', 'one', null, null];
const NO_ACCOUNTS = ACCOUNTS.map(() => null);

/** Of eight in turn two have the rules that are the defaults, and of the others each some more. */
export function providerOf(index: number): TruthProvider {
  const name = `p${index}`;
  const place = index % 8;
  return {
    name,
    type: index % 2 === 0 ? 'anthropic' : 'openai',
    keys: Array.from({ length: KEYS }, (_, key) => keyOf(name, key)),
    accounts: [2, 3, 6].includes(place) ? ACCOUNTS : NO_ACCOUNTS,
    waitMs: [4, 5, 6].includes(place) ? WAIT_MS : 0,
    isSilent: place === 7,
  };
}

/** The configuration of one, and the file that its keys and accounts are in. */
export async function variablesOf(
  provider: TruthProvider,
  index: number,
  { simulatorUrl, directory }: { readonly simulatorUrl: string; readonly directory: string },
): Promise<Record<string, string>> {
  const file = path.join(directory, provider.name);
  const lines = provider.keys.map((key, place) => {
    const account = provider.accounts[place] ?? null;
    return account === null ? key : `${key}  # account=${account}`;
  });
  await writeFile(file, `${lines.join('\n')}\n`);
  const settings = { ...SETTINGS, KEYS_FILE: file, WAIT_FOR_KEY: `${provider.waitMs}ms` };
  return providerVariables({ ...provider, keys: [], settings }, index, simulatorUrl);
}

/** Those that share their limits with a key, itself among them. */
export function keysBehind({ accounts }: TruthProvider, key: number): number[] {
  const account = accounts[key] ?? null;
  if (account === null) return [key];
  return [...accounts.keys()].filter((other) => accounts[other] === account);
}
