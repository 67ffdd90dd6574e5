import process, { env } from 'node:process';
import { Bridge } from '../test/support/bridge.ts';

/** Measures on the database that `DATABASE_URL` names and ends with what that comes to; without one, says how it is used. */
export async function onDatabase(
  usage: string,
  measure: (databaseUrl: string) => Promise<number>,
): Promise<void> {
  const url = env['DATABASE_URL'];
  if (url === undefined) process.stderr.write(usage);
  process.exitCode = url === undefined ? 2 : await measure(url);
}

/** A bridge that purges nothing of the records that are there, with its database open. */
export async function startOnFilled(
  databaseUrl: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Bridge> {
  const bridge = await Bridge.start({
    env: {
      DATABASE_URL: databaseUrl,
      LOG_LEVEL: 'info',
      AIBRIDGE_RETENTION: '0',
      AIBRIDGE_CONTENT_RETENTION: '0',
      ...settings,
    },
  });
  try {
    await bridge.log(({ msg }) => msg === 'the database is ready');
    return bridge;
  } catch (error) {
    await bridge.stop();
    throw error;
  }
}
