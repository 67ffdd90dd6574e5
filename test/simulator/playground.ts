import { answer } from './behaviours/answer.ts';
import type { Behaviour } from './behaviours/behaviour.ts';
import { cut, slowFirstToken } from './behaviours/delivery.ts';
import { overloaded, rateLimited, unauthorized } from './behaviours/problem.ts';
import type { Call } from './call.ts';
import type { FileScript } from './script-file.ts';

/** What a word in a key makes it do. */
const BY_WORD: readonly (readonly [string, Behaviour])[] = [
  ['limited', rateLimited({ retryAfter: 30 })],
  ['revoked', unauthorized()],
  ['overloaded', overloaded()],
  ['slow', slowFirstToken(3_000)],
  ['cut', cut({ afterEvents: 3, clean: false })],
];

/** Keys behave like their names; any other key is a good one and says what the script has for it. */
export function playground(script: FileScript = () => null): (call: Call) => Behaviour {
  return (call) => {
    const word = BY_WORD.find(([name]) => call.key?.includes(name));
    return word?.[1] ?? script(call) ?? answer();
  };
}
