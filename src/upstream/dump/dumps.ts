import { join } from 'node:path';
import type { Meter } from '@opentelemetry/api';
import type { Clock } from '../../core/clock.ts';
import type { Secret } from '../../core/secret.ts';
import type { Logger } from '../../telemetry/index.ts';
import { AttemptDump } from './attempt-dump.ts';
import { DumpAccount } from './dump-account.ts';
import { DumpFile, type DumpShelf } from './dump-file.ts';
import type { DumpedRequest } from './dump-head.ts';
import { dumpName, folderOf, type DumpedAttempt } from './dump-name.ts';
import { DumpQueue } from './dump-queue.ts';
import { DumpRetention, type DumpBounds } from './dump-retention.ts';

export interface DumpedProvider {
  readonly name: string;
  readonly dumpDir: string;
  /** As in `Host`. */
  readonly host: string;
}

const SWEEP_MS = 60_000;
const CLOSE_MS = 2_000;

/** What dumps have in common, whichever provider they are of. */
export class Dumps {
  readonly #bounds: DumpBounds;
  readonly #clock: Clock;
  readonly #account: DumpAccount;
  readonly #queue = new DumpQueue();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(
    bounds: DumpBounds,
    clock: Clock,
    { meter, logger }: { readonly meter: Meter; readonly logger: Logger },
  ) {
    this.#bounds = bounds;
    this.#clock = clock;
    this.#account = new DumpAccount(meter, logger, clock);
  }

  of(provider: DumpedProvider): ProviderDumps {
    const directory = join(provider.dumpDir, provider.name);
    const retention = new DumpRetention(directory, this.#bounds, this.#clock);
    const sweep = {
      run: () =>
        retention.sweep().catch((error: unknown) => {
          this.#account.sweepFailed(provider.name, error);
        }),
    };
    // At once: a directory that cannot be had is better known before the first call.
    this.#queue.add(sweep);
    this.#timers.push(setInterval(() => this.#queue.add(sweep), SWEEP_MS).unref());
    const { fileBytesMax } = this.#bounds;
    const common = { queue: this.#queue, account: this.#account, retention, fileBytesMax };
    return new ProviderDumps(directory, provider.host, { ...common, provider: provider.name });
  }

  /** What is not written after a moment is left. */
  async close(timeoutMs = CLOSE_MS): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#queue.close(timeoutMs);
  }
}

/** Where attempts on one provider are dumped. */
export class ProviderDumps {
  readonly #directory: string;
  readonly #host: string;
  readonly #shelf: DumpShelf;

  constructor(directory: string, host: string, shelf: DumpShelf) {
    this.#directory = directory;
    this.#host = host;
    this.#shelf = shelf;
  }

  /** `model` is what the caller asks for, whatever that is; undefined where it is passed through. */
  begin(
    attempt: DumpedAttempt & { readonly model: string | undefined; readonly secret: Secret },
    request: DumpedRequest,
  ): AttemptDump {
    const { model, secret } = attempt;
    const folder = model === undefined ? 'passthrough' : folderOf(model);
    const dump = new AttemptDump((part) => {
      return new DumpFile(join(this.#directory, folder, dumpName(attempt, part)), this.#shelf);
    }, secret);
    dump.request(request, this.#host);
    return dump;
  }
}
