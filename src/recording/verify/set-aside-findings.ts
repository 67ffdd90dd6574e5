import { basename } from 'node:path';
import { decodeLine } from '../journal/journal-line.ts';
import { linesOf } from '../journal/line-file.ts';
import { notedStretches, setAsideFiles } from '../journal/set-aside-files.ts';
import type { Finding } from './audit-findings.ts';

const EXAMPLES = 5;

/** Answers those of the interceptions that the database does not have. */
type Unknown = (ids: readonly string[]) => Promise<readonly string[]>;

/** What could not be stored, and waits for somebody to look at it. */
export async function setAsideFindings(root: string, unknown: Unknown): Promise<Finding[]> {
  const refused: string[] = [];
  const ended: string[] = [];
  const unreadable: string[] = [];
  for (const file of await setAsideFiles(root)) {
    let number = 0;
    for await (const line of linesOf(file)) {
      number += 1;
      const decoded = decodeLine(line.toString());
      if (decoded.kind !== 'event') unreadable.push(`${basename(file)} line ${number}`);
      else if (decoded.event.kind === 'end') ended.push(decoded.event.id);
      else refused.push(decoded.event.id);
    }
  }
  const unstarted = new Set(await unknown(ended));
  const others = [...refused, ...ended.filter((id) => !unstarted.has(id))];
  const missing = (await notedStretches(root)).map(
    ({ journal, from, to }) => `${journal} from ${from} to ${to}`,
  );
  return [
    finding('records set aside; `npm run audit:replay` stores them when it can', others),
    finding('ends without a start', [...unstarted]),
    finding('lines of journals that cannot be read', unreadable),
    finding('stretches missing from journals', missing),
  ];
}

function finding(what: string, found: readonly string[]): Finding {
  return { what, count: found.length, examples: found.slice(0, EXAMPLES) };
}
