/** `npm run config`: what is in force and where it came from. */
import { configReport } from './shown/config-report.ts';
import { loadConfig } from './config.module.ts';

const parsed = loadConfig();
if (parsed.kind === 'invalid') {
  process.stderr.write(parsed.problems.map((problem) => `${problem}\n`).join(''));
  process.exitCode = 2;
} else {
  process.stderr.write(parsed.warnings.map((warning) => `warning: ${warning}\n`).join(''));
  process.stdout.write(configReport(parsed.sources, parsed.config));
}
