/**
 * Writes docs/openapi.json, the document that the bridge publishes: what changes in the API shows in
 * a diff, and a client can be generated without a bridge. With `--check` it writes nothing and fails
 * when the file is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { API_DOCUMENT } from '../src/app.document.ts';

const FILE = 'docs/openapi.json';
const path = join(import.meta.dirname, '..', FILE);

const options = await resolveConfig(path);
const wanted = await format(JSON.stringify(API_DOCUMENT), { ...options, parser: 'json' });
const current = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
if (wanted !== current) {
  if (process.argv.includes('--check')) {
    process.stderr.write(`openapi: ${FILE} is stale; run npm run openapi\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, wanted);
  }
}
