import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  answer,
  rateLimited,
  startSimulator,
  unauthorized,
  type Simulator,
} from '../simulator/index.ts';

/** Nobody's keys: the simulated provider takes any, and does with each what it is told to. */
export const KEYS = {
  limited: 'sk-ant-demo-key-of-team-red-0001',
  revoked: 'sk-ant-demo-key-of-team-blue-0002',
  good: 'sk-ant-demo-key-of-team-green-0003',
  own: 'sk-ant-demo-key-of-a-developer-7777',
} as const;

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const LOG_LINES_KEPT = 20;
/** A bridge that is asked to stop needs moments; one that hangs must not outlive the demo. */
const STOP_MS = 15_000;

/** A simulated provider, and the built bridge in front of it with a database and a directory of its own. */
export class Stage {
  #simulator: Simulator | undefined;
  #bridge: ChildProcess | undefined;
  #directory: string | undefined;
  #setting: Promise<void> | undefined;
  #isClearing = false;
  #log: string[] = [];
  bridgeUrl = '';

  get simulator(): Simulator {
    if (this.#simulator === undefined) throw new Error('the stage is not set');
    return this.#simulator;
  }

  get providerUrl(): string {
    return this.simulator.url;
  }

  /** What the bridge said last. */
  get lastWords(): string {
    return this.#log.join('\n');
  }

  set(): Promise<void> {
    this.#setting = this.#set();
    return this.#setting;
  }

  /** At any time, also while it is being set. */
  async clear(): Promise<void> {
    this.#isClearing = true;
    await this.#stopBridge();
    await Promise.allSettled([this.#setting]);
    await this.#simulator?.close();
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }

  async #set(): Promise<void> {
    this.#simulator = await startSimulator();
    this.simulator.key(KEYS.limited).always(rateLimited({ retryAfter: 30 }));
    this.simulator.key(KEYS.revoked).always(unauthorized());
    this.simulator.key(KEYS.good).always(answer({ text: 'Hello from the third key.' }));
    this.simulator.key(KEYS.own).always(answer({ text: 'Hello from your own key.' }));
    this.#directory = await mkdtemp(path.join(tmpdir(), 'aibridge-demo-'));
    // The embedded server cannot run as root; its own user has to reach its files.
    await chmod(this.#directory, 0o711);
    this.bridgeUrl = await this.#startBridge(this.#directory);
  }

  async #startBridge(directory: string): Promise<string> {
    if (this.#isClearing) throw new Error('interrupted');
    const bridge = spawn(process.execPath, [PROGRAM], {
      cwd: path.dirname(PROGRAM),
      env: {
        ...systemEnvironment(),
        PORT: '0',
        LOG_FORMAT: 'json',
        AIBRIDGE_DATA_DIR: directory,
        AIBRIDGE_PROVIDER_0_TYPE: 'anthropic',
        AIBRIDGE_PROVIDER_0_BASE_URL: this.providerUrl,
        AIBRIDGE_PROVIDER_0_KEYS: [KEYS.limited, KEYS.revoked, KEYS.good].join(','),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C in a terminal goes to a whole group; the bridge is stopped by the demo alone, in order.
      detached: true,
    });
    this.#bridge = bridge;
    const listening = Promise.withResolvers<string>();
    for (const output of [bridge.stdout, bridge.stderr]) {
      createInterface({ input: output }).on('line', (line) => {
        this.#log = [...this.#log, line].slice(-LOG_LINES_KEPT);
        const [, url] = /"listening on (http:\/\/[^\s"]+?):? /.exec(line) ?? [];
        if (url !== undefined) listening.resolve(url);
      });
    }
    bridge.once('error', (error) => listening.reject(error));
    bridge.once('exit', () => listening.reject(new Error('the bridge ended')));
    return listening.promise;
  }

  async #stopBridge(): Promise<void> {
    const bridge = this.#bridge;
    if (bridge === undefined || bridge.pid === undefined) return;
    if (bridge.exitCode !== null || bridge.signalCode !== null) return;
    const exited = once(bridge, 'exit');
    bridge.kill('SIGTERM');
    const timer = setTimeout(() => bridge.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(timer);
  }
}

/** Everything but settings of a bridge, which are the demo's own. */
function systemEnvironment(): Record<string, string | undefined> {
  const { PATH, HOME, TMPDIR, LANG, SystemRoot } = process.env;
  return { PATH, HOME, TMPDIR, LANG, SystemRoot };
}
