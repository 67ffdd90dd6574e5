import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { commandOf, type ClientName } from './programs.ts';
import { block, shellLine } from './readme.ts';

const CODEX_EXEC = [
  'exec',
  '--skip-git-repo-check',
  ...['features.plugins=false', 'analytics.enabled=false'].flatMap((one) => ['-c', one]),
];

/** How the two are driven without a terminal, and kept from talking to anybody but the bridge. */
const DRIVEN = {
  'Claude Code': {
    env: { DISABLE_TELEMETRY: '1', DISABLE_ERROR_REPORTING: '1', DISABLE_AUTOUPDATER: '1' },
    ask: (prompt: string) => ['-p', prompt, '--allowedTools', 'Bash'],
    askAgain: (prompt: string) => ['-p', '--continue', prompt],
  },
  Codex: {
    env: {},
    ask: (prompt: string) => [...CODEX_EXEC, prompt],
    askAgain: (prompt: string) => [...CODEX_EXEC, 'resume', '--last', prompt],
  },
} as const;

export interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run of a client that can be interrupted. */
export class Run {
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess & { stdout: NonNullable<ChildProcess['stdout']> }) {
    this.#child = child;
    this.ended = this.#end(child);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async #end(child: ChildProcess): Promise<Ending> {
    const [[code], stdout, stderr] = await Promise.all([
      once(child, 'close'),
      child.stdout === null ? '' : text(child.stdout),
      child.stderr === null ? '' : text(child.stderr),
    ]);
    return { code, stdout, stderr };
  }
}

/**
 * Somebody new at this: an empty home, and the client set up as the README says. Nothing of the
 * test's own environment gets in but the path.
 */
export class User {
  readonly home: string;
  readonly work: string;
  readonly #client: ClientName;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(client: ClientName, home: string, bridgeUrl: string) {
    this.#client = client;
    this.home = home;
    this.work = join(home, 'work');
    const { env } = shellLine(`\n**${client}**`, { bridge: bridgeUrl });
    this.#env = { ...DRIVEN[client].env, ...env };
  }

  /** Leaves when the test is over. */
  static async of(client: ClientName, bridgeUrl: string): Promise<User> {
    const home = await mkdtemp(join(tmpdir(), 'aibridge-user-'));
    onTestFinished(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
    const user = new User(client, home, bridgeUrl);
    await mkdir(user.work);
    if (client === 'Codex') {
      await mkdir(join(home, '.codex'));
      const config = block('toml', '\n**Codex**', { bridge: bridgeUrl });
      await writeFile(join(home, '.codex', 'config.toml'), config);
    }
    return user;
  }

  async ask(prompt: string, env: Readonly<Record<string, string>> = {}): Promise<Ending> {
    return this.start(DRIVEN[this.#client].ask(prompt), env).ended;
  }

  /** In the conversation that was the last. */
  async askAgain(prompt: string, ...options: readonly string[]): Promise<Ending> {
    return this.start([...DRIVEN[this.#client].askAgain(prompt), ...options]).ended;
  }

  begin(prompt: string): Run {
    return this.start(DRIVEN[this.#client].ask(prompt));
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
    const [program = '', ...first] = commandOf(this.#client);
    const child = spawn(program, [...first, ...args], {
      cwd: this.work,
      env: { HOME: this.home, PATH: process.env['PATH'], ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const run = new Run(child);
    onTestFinished(async () => {
      run.signal('SIGKILL');
      await run.ended;
    });
    return run;
  }
}
