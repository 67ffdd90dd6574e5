import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from './config/config.module.ts';
import type { BridgeConfig } from './config/index.ts';
import { withFoundKeys } from './app.keys.ts';
import { createApp } from './app.setup.ts';
import { DatabaseService } from './database/index.ts';
import { DataPlaneService } from './interception/data-plane.service.ts';
import { RecordingService } from './recording/recording.service.ts';
import { PinoLogger, type Logger } from './telemetry/index.ts';
import { errorText } from './core/errors.ts';

const EXIT_BAD_CONFIGURATION = 2;
const EXIT_NOT_STARTED = 1;
const EXIT_SECOND_SIGNAL = 130;
/** A terminal and npm both pass on one Ctrl-C: what comes this soon after is the same one. */
const ECHO_MS = 250;
const CLOSE_MS = 10_000;

await main();

async function main(): Promise<void> {
  const loaded = loadConfig();
  if (loaded.kind === 'invalid') {
    for (const problem of loaded.problems) process.stderr.write(`${problem}\n`);
    process.exitCode = EXIT_BAD_CONFIGURATION;
    return;
  }
  const logger = new PinoLogger(loaded.config.log);
  for (const warning of loaded.warnings) logger.warn(warning);
  try {
    await serve(loaded.config, logger);
  } catch (error) {
    logger.error('the bridge could not start', { reason: errorText(error) });
    process.exit(EXIT_NOT_STARTED);
  }
}

async function serve(given: BridgeConfig, logger: Logger): Promise<void> {
  const config = await withFoundKeys(given);
  const app = await createApp(config, logger);
  const shutdown = async (): Promise<void> => {
    logger.info('stopping: no new requests, waiting for the open ones');
    await app.get(DataPlaneService).stop(config.server.drainTimeoutMs);
    await app.get(RecordingService).stop();
    // By now nothing is worth waiting long for, least of all a database that does not answer.
    await Promise.race([app.close(), delay(CLOSE_MS, undefined, { ref: false })]);
    logger.info('stopped');
  };
  let stoppingSinceMs: number | undefined;
  const stop = (exitCode: number): void => {
    stoppingSinceMs = performance.now();
    shutdown().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        logger.error('stopping failed', { reason: errorText(error) });
        process.exit(1);
      },
    );
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stoppingSinceMs !== undefined) {
      const isEcho = signal === 'SIGINT' && performance.now() - stoppingSinceMs < ECHO_MS;
      if (!isEcho) process.exit(EXIT_SECOND_SIGNAL);
      return;
    }
    stop(0);
  };
  const heedRefusal = async (): Promise<void> => {
    const { message } = await app.get(DatabaseService).refused;
    logger.error('the bridge could not start', { reason: message });
    if (stoppingSinceMs === undefined) stop(EXIT_NOT_STARTED);
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  await app.listen(config.server.port, config.server.host);
  void heedRefusal();
  logger.info(`listening on ${await app.getUrl()}: ${summary(config)}`);
}

function summary({ providers, database }: BridgeConfig): string {
  const names = providers.map(({ name, keys, proxy }) => {
    const count = keys.length === 1 ? '1 key' : `${keys.length} keys`;
    const way = proxy === undefined ? '' : `, by the proxy ${proxy.origin}`;
    return `${name} (${keys.length === 0 ? "callers' own keys" : count}${way})`;
  });
  return `${names.join(', ')}; ${database.url === undefined ? 'embedded PostgreSQL' : 'PostgreSQL'}`;
}
