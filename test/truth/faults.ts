/** A change to the built program with which it no longer tells the truth, or no longer does as it says. */
export interface Fault {
  readonly title: string;
  /** Stands in exactly one place of the program, wherever that is. */
  readonly find: string;
  readonly replace: string;
}

export const FAULTS: readonly Fault[] = [
  {
    title: 'the record names the first key that was tried, not the one that served',
    find: 'this.#lastCredential = attempt.credential;',
    replace: 'this.#lastCredential ??= attempt.credential;',
  },
  {
    title: 'a token is counted too many',
    find: 'const tokens = sumOf(this.#tokensBefore, usage ?? NO_TOKENS);',
    replace: `const counted = sumOf(this.#tokensBefore, usage ?? NO_TOKENS);
      const tokens = { ...counted, input: counted.input + 1 };`,
  },
  {
    title: 'of one chunk in a hundred the first byte is lost on its way down',
    find: 'await this.#plan.downstream.write(bytes);',
    replace:
      'await this.#plan.downstream.write(bytes.length % 97 === 0 ? bytes.subarray(1) : bytes);',
  },
  {
    title: 'a stream that broke off ends as if it were whole',
    find: "downstream.end(`${observer.isBetweenFrames ? '' : '\\n\\n'}${inBandError(failure)}`);",
    replace: 'downstream.end();',
  },
  {
    title: 'a key is back 300 ms too soon',
    find: 'if (!cooldown || cooldown.untilMs <= nowMs)',
    replace: 'if (!cooldown || cooldown.untilMs - 300 <= nowMs)',
  },
  {
    title: 'an answer that its caller left is recorded as completed',
    find: "return { ...known, status: 'aborted' };",
    replace: "return { ...known, status: 'completed' };",
  },
  {
    title: 'the status of a blocking answer that broke off is forgotten',
    find: "return { kind: 'failed', failure: error, status: attempt.status };",
    replace: "return { kind: 'failed', failure: error, status: null };",
  },
  {
    title: 'a limit for one model keeps the key from the others',
    find: 'return isOfModel ? model : null;',
    replace: 'return null;',
  },
  {
    title: 'a bridge does not tell the other one what it knows of the keys',
    find: 'this.#outbox.add(transition);',
    replace: '',
  },
  {
    title: 'an attempt with a rejected key is left out',
    find: 'this.#witness.attemptFinished({',
    replace: "if (end.outcome !== 'unauthorized') this.#witness.attemptFinished({",
  },
  {
    title: 'the end is recorded a moment after the answer has gone down, and not before',
    find: 'await this.journal.append(...this.#takeLines());',
    replace: `const taken = this.#takeLines();
      setTimeout(() => void this.journal.append(...taken), 150);`,
  },
  {
    title: 'an error in the first event of a stream does not lead to the next key',
    find: 'if (status >= 400 || !error)\n        return status;',
    replace: 'return status;',
  },
  {
    title: 'callers are sent back a second too soon',
    find: 'String(Math.ceil(retryAfterMs / 1_000))',
    replace: 'String(Math.floor(retryAfterMs / 1_000))',
  },
  {
    title: 'a limit of an account leaves its other keys as they are',
    find: "const others = verdict.scope === 'account' ? this.#roster.sharingAccountOf(key) : [];",
    replace: 'const others = [];',
  },
  {
    title: 'nobody finds out about a guess',
    find: "if (nowMs >= atMs)\n            return { kind: 'now' };",
    replace: '',
  },
  {
    title: 'several calls find out about a guess at a time',
    find: 'this.#nextMs.set(cooldown, Infinity);',
    replace: '',
  },
  {
    title: 'a call that may wait for a key does not',
    find: 'return retryAfterMs <= this.options.waitMsMax - waitedMs ? retryAfterMs : 0;',
    replace: 'return 0;',
  },
  {
    title: 'what the turns before the last one have used is not counted',
    find: 'this.#tokensBefore = sumOf(this.#tokensBefore, findings.usage ?? NO_TOKENS);',
    replace: '',
  },
  {
    title: 'of one tool it is not recorded that it has run',
    find: 'const end = await witness.toolBegun(call, tool);',
    replace:
      "const end = call.name.endsWith('patient') ? () => undefined : await witness.toolBegun(call, tool);",
  },
  {
    title: 'a tool runs twice for one call',
    find: 'return await this.#options.servers.call(tool, input, this.#options.user, signal);',
    replace:
      'await this.#options.servers.call(tool, input, this.#options.user, signal); return await this.#options.servers.call(tool, input, this.#options.user, signal);',
  },
];
