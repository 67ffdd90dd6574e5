import { rm } from 'node:fs/promises';
import { Bridge } from '../support/bridge.ts';
import { temporaryDataDir } from '../support/postgres.ts';

/** One process of a bridge, from the moment it listens. */
export class Life {
  readonly url: string;
  /** When it was killed, if it was. */
  killedAtMs = Infinity;
  readonly #bridge: Bridge;
  readonly #sharing: { readonly atMs: number; readonly isShared: boolean }[] = [];
  #linesRead = 0;

  constructor(bridge: Bridge) {
    this.url = bridge.url;
    this.#bridge = bridge;
  }

  /** Whether, by its own word, it shared what it knows of keys with the others all this time. */
  sharesKeys(fromMs: number, untilMs: number): boolean {
    this.#readLog();
    const isSharedThen = this.#sharing.findLast(({ atMs }) => atMs <= fromMs)?.isShared ?? false;
    const isCutOff = this.#sharing.some(
      ({ atMs, isShared }) => !isShared && atMs > fromMs && atMs <= untilMs,
    );
    return isSharedThen && !isCutOff;
  }

  #readLog(): void {
    const { logs } = this.#bridge;
    for (const { msg, time } of logs.slice(this.#linesRead)) {
      if (!/^key states are (?:not )?shared/.test(msg)) continue;
      const atMs = Date.parse(String(time));
      this.#sharing.push({ atMs, isShared: msg === 'key states are shared' });
    }
    this.#linesRead = logs.length;
  }
}

export interface MortalBridgeOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Undefined: what `npm run build` made. */
  readonly program: string | undefined;
  /** Resolves when one that listens is as it is to be. */
  readonly ready: (bridge: Bridge) => Promise<void>;
}

/** A bridge that is killed and comes back with the data that it left. */
export class MortalBridge {
  readonly #options: MortalBridgeOptions;
  readonly #dataDir: string;
  #bridge: Bridge;
  #life: Promise<Life>;
  /** What a bridge may not do: end by itself, or say what is no line of its log. */
  readonly faults: string[] = [];

  private constructor(options: MortalBridgeOptions, dataDir: string, bridge: Bridge) {
    this.#options = options;
    this.#dataDir = dataDir;
    this.#bridge = bridge;
    this.#life = Promise.resolve(new Life(bridge));
  }

  static async start(options: MortalBridgeOptions): Promise<MortalBridge> {
    const dataDir = await temporaryDataDir();
    return new MortalBridge(options, dataDir, await startBridge(options, dataDir));
  }

  /** The one that there is, or will be as soon as it has come back. */
  get life(): Promise<Life> {
    return this.#life;
  }

  /** Without warning. Resolves when it is back. */
  async kill(): Promise<void> {
    const life = await this.#life;
    life.killedAtMs = Date.now();
    this.#look();
    this.#life = this.#comeBack(this.#bridge);
    await this.#life;
  }

  async #comeBack(killed: Bridge): Promise<Life> {
    await killed.kill();
    this.#bridge = await startBridge(this.#options, this.#dataDir);
    return new Life(this.#bridge);
  }

  async stop(): Promise<void> {
    this.#look();
    const code = await this.#bridge.stop();
    if (code !== 0) this.faults.push(`a bridge that was to stop ended with ${code}`);
    await rm(this.#dataDir, { recursive: true, force: true });
  }

  #look(): void {
    const { exitCode, otherOutput } = this.#bridge;
    if (exitCode !== undefined) this.faults.push(`a bridge ended by itself with ${exitCode}`);
    if (otherOutput.length > 0) this.faults.push(`a bridge said: ${otherOutput.join('\n')}`);
  }
}

async function startBridge(
  { env, program, ready }: MortalBridgeOptions,
  dataDir: string,
): Promise<Bridge> {
  const bridge = await Bridge.start({ env, dataDir, ...(program !== undefined && { program }) });
  await ready(bridge);
  return bridge;
}
