import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { temporaryDataDir } from './postgres.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** With a level above these the log lacks the line that `start` waits for. */
const TELLING_LEVELS = new Set(['trace', 'debug', 'info']);

export interface BridgeOptions {
  /** Its configuration; nothing of the test's own environment gets in besides. */
  readonly env: Readonly<Record<string, string>>;
  /** Undefined: a directory of its own, which goes when the bridge is stopped. */
  readonly dataDir?: string;
  /** Undefined: what `npm run build` made. */
  readonly program?: string;
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/**
 * The built program as a process of its own, as an operator runs it. Its log is
 * kept; `stop` is what an operator does, `kill` what happens to him.
 */
export class Bridge {
  readonly logs: LogLine[] = [];
  /** What was not a log line: a crash, most likely. */
  readonly otherOutput: string[] = [];
  url = '';
  readonly dataDir: string;
  readonly #ownsDataDir: boolean;
  readonly #process: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #exitCode: number | null | undefined;

  private constructor(child: ChildProcess, dataDir: string, ownsDataDir: boolean) {
    this.#process = child;
    this.dataDir = dataDir;
    this.#ownsDataDir = ownsDataDir;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#heard(line));
    }
    child.once('exit', (code) => {
      this.#exitCode = code;
      this.#wake();
    });
  }

  /** Resolves when the bridge listens; rejects with what it said when it ends instead. */
  static async start(options: BridgeOptions): Promise<Bridge> {
    const { LOG_LEVEL: level = 'debug' } = options.env;
    if (!TELLING_LEVELS.has(level)) {
      throw new Error(
        `a bridge that logs from ${level} on does not say where it listens: launch it`,
      );
    }
    const bridge = await Bridge.launch(options);
    const line = await bridge.log(({ msg }) => msg.startsWith('listening on '));
    bridge.url = /http:\/\/\S+?(?=:? )/.exec(line.msg)?.[0] ?? '';
    return bridge;
  }

  /** Starts the process without waiting for anything. */
  static async launch({ env, dataDir, program = PROGRAM }: BridgeOptions): Promise<Bridge> {
    const directory = dataDir ?? (await temporaryDataDir());
    const child = spawn(process.execPath, [program], {
      cwd: path.dirname(program),
      env: {
        PATH: process.env['PATH'],
        PORT: '0',
        LOG_LEVEL: 'debug',
        LOG_FORMAT: 'json',
        AIBRIDGE_DATA_DIR: directory,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Bridge(child, directory, dataDir === undefined);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Undefined while it runs. */
  get exitCode(): number | null | undefined {
    return this.#exitCode;
  }

  /** The first line, said already or to come, that fits. */
  async log(fits: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = this.logs.find(fits);
      if (found !== undefined) return found;
      if (this.#exitCode !== undefined) throw new Error(`the bridge ended: ${this.#said()}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** In good order, if it has not ended yet. Answers the exit code. */
  async stop(): Promise<number | null> {
    if (this.#exitCode === undefined) this.signal('SIGTERM');
    const code = await this.exited();
    await this.removeData();
    return code;
  }

  /** Without warning. The data directory stays for a successor. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited();
  }

  async exited(): Promise<number | null> {
    if (this.#exitCode === undefined) await once(this.#process, 'exit');
    return this.#exitCode ?? null;
  }

  async removeData(): Promise<void> {
    if (this.#ownsDataDir) await rm(this.dataDir, { recursive: true, force: true });
  }

  #heard(line: string): void {
    try {
      this.logs.push(JSON.parse(line));
    } catch {
      this.otherOutput.push(line);
    }
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #said(): string {
    return [...this.otherOutput, ...this.logs.map((line) => JSON.stringify(line))]
      .slice(-20)
      .join('\n');
  }
}
