import { readFileSync } from 'node:fs';
import process, { env } from 'node:process';
import { parseConfig } from '../src/config/reading/parse-config.ts';

/** The database that a bridge in this environment would use. */
export interface DatabaseTarget {
  /** Undefined: the embedded one in `dataDir`. */
  readonly url: string | undefined;
  readonly dataDir: string;
}

/** Ends the process with every problem of the configuration, as the bridge would. */
export function databaseTarget(): DatabaseTarget {
  const parsed = parseConfig(env, { readFile: (path) => readFileSync(path, 'utf8') });
  if (parsed.kind === 'invalid') {
    process.stderr.write(`${parsed.problems.join('\n')}\n`);
    process.exit(2);
  }
  return { url: parsed.config.database.url?.reveal(), dataDir: parsed.config.dataDir };
}
