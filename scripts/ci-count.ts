/**
 * Reads a report of vitest's (`node scripts/ci-count.ts REPORT FAILURES`): prints how many tests passed
 * and failed, and adds to the file what failed, or passed only when it was asked a second time.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { argv, stdout } from 'node:process';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

const MESSAGE_LENGTH_MAX = 1_500;

const [, , reportFile = '', failuresFile = ''] = argv;
const report: Report = JSON.parse(readFileSync(reportFile, 'utf8'));
for (const { name, message, assertionResults } of report.testResults) {
  const troubles = assertionResults.flatMap(({ fullName, status, failureMessages }) => {
    const reasons = failureMessages ?? [];
    if (status !== 'failed' && reasons.length === 0) return [];
    return [
      `${status}: ${fullName}`,
      ...reasons.map((reason) => reason.slice(0, MESSAGE_LENGTH_MAX)),
    ];
  });
  if (message !== '') troubles.push(message.slice(0, MESSAGE_LENGTH_MAX));
  if (troubles.length > 0) appendFileSync(failuresFile, [name, ...troubles, '\n'].join('\n'));
}
stdout.write(`${report.numPassedTests} ${report.numFailedTests}\n`);
