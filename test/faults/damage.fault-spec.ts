import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { decodeLine, encodeLine } from '../../src/recording/journal/journal-line.ts';
import { segmentName } from '../../src/recording/journal/journal-segments.ts';
import { FAULTS } from '../../src/recording/writer/writer-protocol.ts';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { anEnd, aPrompt, aStart } from '../support/record-events.ts';
import { metric, runAudit } from './audit-programs.ts';
import { askTimes, type Answered } from './blocking-call.ts';
import { faultySystem, type FaultySystem } from './faulty-system.ts';
import { journalsIn, orphansAreGone } from './journal-files.ts';

let system: FaultySystem;

beforeEach(async () => {
  system = await faultySystem();
  onTestFinished(() => system.remove());
});

const DAMAGED = 'a line of the journal could not be read';
const SET_ASIDE = 'a record was set aside';

test('damage costs the damaged lines, which are kept and named with file and offset; the rest is recorded', async () => {
  const { answers, file } = await journaledAndKilled(6);
  const [victim, foreigner, torn] = [answers[1]?.id, answers[2]?.id, answers[5]?.id];
  const damage = await damaged(file, [
    { reason: 'damaged', kind: 'prompt', id: victim, change: flipped },
    { reason: 'unknown_version', kind: 'usage', id: foreigner, change: ofVersionTwo },
    { reason: 'torn', kind: 'end', id: torn, change: (line) => line.slice(0, 50) },
  ]);

  const bridge = await system.startBridge();
  await orphansAreGone(system.dataDir);

  expect(bridge.logs.filter(({ msg }) => msg === DAMAGED)).toMatchObject(
    damage.map(({ reason, offset }) => ({
      level: 'error',
      file: path.basename(file),
      reason,
      offset,
    })),
  );
  expect(await setAside()).toBe(damage.map(({ line }) => `${line}\n`).join(''));
  const found = await Promise.all(answers.map(({ id }) => summaryOf(id)));
  expect(found).toEqual(
    answers.map(({ id }) => ({
      status: id === torn ? 'interrupted' : 'completed',
      prompts: id === victim ? 0 : 1,
      usages: id === foreigner ? 0 : 1,
    })),
  );
  expect(await bridge.stop()).toBe(0);
});

test('a record that PostgreSQL will never take is set aside, and those around it are recorded', async () => {
  const at = Date.now();
  const [instanceId, before, after] = [uuidv7(at), uuidv7(at), uuidv7(at)];
  const poison = aPrompt({ id: before, rowId: 'no uuid' });
  const noRoom = aStart({ id: uuidv7(at), instanceId, credentialHint: 'longer than fifteen' });
  const events = [
    aStart({ id: before, instanceId }),
    poison,
    anEnd({ id: before }),
    noRoom,
    aStart({ id: after, instanceId }),
    aPrompt({ id: after, rowId: uuidv7(at) }),
  ];
  const orphan = path.join(system.dataDir, 'journal', instanceId);
  await mkdir(orphan, { recursive: true });
  await writeFile(path.join(orphan, '0000000000000000.log'), events.map(encodeLine).join(''));

  const bridge = await system.startBridge();
  await orphansAreGone(system.dataDir);

  expect(bridge.logs.filter(({ msg }) => msg === SET_ASIDE)).toMatchObject([
    { level: 'error', kind: 'prompt', id: before, reason: 'SQLSTATE 22P02' },
    { level: 'error', kind: 'start', id: noRoom.id, reason: 'SQLSTATE 22001' },
  ]);
  expect(await setAside()).toBe(encodeLine(poison) + encodeLine(noRoom));
  expect(await system.tables.ended(before)).toMatchObject({ status: 'completed' });
  expect(await system.tables.ended(after)).toMatchObject({ status: 'interrupted' });
  expect(await system.tables.children('prompts', after)).toHaveLength(1);
  expect(await bridge.stop()).toBe(0);
});

test('each kind of damage is counted, logged once and found again, and no lag is left', async () => {
  const at = Date.now();
  const [instanceId, whole, lost] = [uuidv7(at), uuidv7(at), uuidv7(at)];
  const refused = aPrompt({ id: whole, rowId: 'no uuid' });
  const first = [aStart({ id: whole, instanceId }), refused, anEnd({ id: whole })];
  const gone = encodeLine(aStart({ id: lost, instanceId }));
  const last = anEnd({ id: lost });
  const head = first.map(encodeLine).join('');
  const from = head.length;
  const to = from + gone.length;
  const orphan = path.join(system.dataDir, 'journal', instanceId);
  await mkdir(orphan, { recursive: true });
  await writeFile(path.join(orphan, segmentName(0)), head);
  await writeFile(path.join(orphan, segmentName(to)), `unreadable\n${encodeLine(last)}`);
  const before = await runAudit('verify', system);
  expect(before.output).toContain(`missing: ${from} to ${to}`);
  expect(before.code).toBe(1);

  const bridge = await system.startBridge();
  await orphansAreGone(system.dataDir);
  for (const fault of FAULTS) {
    expect(await metric(bridge.url, 'journal_faults_total', `fault="${fault}"`)).toBe(1);
  }
  await expect.poll(() => metric(bridge.url, 'journal_set_aside_records')).toBe(3);
  await expect.poll(() => metric(bridge.url, 'journal_lag_records')).toBe(0);
  const told = bridge.logs.filter(({ level }) => level === 'error');
  expect(told.toSorted((one, other) => one.msg.localeCompare(other.msg))).toMatchObject([
    { msg: DAMAGED, reason: 'damaged', offset: 0 },
    { msg: SET_ASIDE, kind: 'prompt', id: whole },
    { msg: 'a stretch of a journal is missing', journal: instanceId, from, to },
    { msg: 'an end without a start was set aside', kind: 'end', id: lost },
  ]);
  const { code, output } = await runAudit('verify', system);
  expect(output).toContain(`records set aside; \`npm run audit:replay\` stores them`);
  expect(output).toContain(`FOUND 1: ends without a start: ${lost}`);
  expect(output).toContain('FOUND 1: lines of journals that cannot be read');
  expect(output).toContain(`FOUND 1: stretches missing from journals: ${instanceId} from ${from}`);
  expect(code).toBe(1);
  expect(await bridge.stop()).toBe(0);
});

test('what was set aside is stored once when its cause is gone, also by two at once while a bridge runs', async () => {
  const bridge = await system.startBridge();
  await bridge.log(({ msg }) => msg === 'the database is ready');
  // As if it was the values that cannot be stored: a constraint alone would be waited for.
  await system.tables.rows(
    `ALTER TABLE interceptions ADD CONSTRAINT refused CHECK (1 / (client <> 'Unknown')::int = 1) NOT VALID`,
  );
  await system.tables.rows(
    `ALTER TABLE prompts ADD CONSTRAINT refused CHECK (1 / (text <> 'hi')::int = 1) NOT VALID`,
  );
  const [answered] = await askTimes(1, bridge.url);
  const id = answered?.id ?? '';
  const setAsideCount = (): Promise<number> => metric(bridge.url, 'journal_set_aside_records');
  await expect.poll(setAsideCount).toBe(3);
  expect((await runAudit('replay', system)).code).toBe(1);
  expect((await runAudit('verify', system)).code).toBe(1);

  await system.tables.rows('ALTER TABLE interceptions DROP CONSTRAINT refused');
  await system.tables.rows('ALTER TABLE prompts DROP CONSTRAINT refused');
  const later = askTimes(10, bridge.url);
  const replays = await Promise.all([runAudit('replay', system), runAudit('replay', system)]);
  replays.push(await runAudit('replay', system));
  const stored = replays.map(({ output }) => Number(/^stored: (\d+)/.exec(output)?.[1] ?? 0));
  expect(stored.reduce((sum, count) => sum + count, 0)).toBe(3);
  for (const call of [{ id }, ...(await later)]) {
    expect(await system.tables.ended(call.id)).toMatchObject({ status: 'completed' });
    expect(await system.tables.children('prompts', call.id)).toHaveLength(1);
    expect(await system.tables.children('token_usages', call.id)).toHaveLength(1);
  }
  await expect.poll(setAsideCount).toBe(0);
  const { code, output } = await runAudit('verify', system);
  expect(output).toContain('The audit is whole.');
  expect(code).toBe(0);
  expect(await bridge.stop()).toBe(0);
});

/** What a bridge journaled while the database was away, and then was killed. */
async function journaledAndKilled(
  count: number,
): Promise<{ answers: readonly Answered[]; file: string }> {
  const nowhere = await CuttableProxy.start(system.databaseUrl);
  await nowhere.cut();
  const bridge = await system.startBridge({ env: { DATABASE_URL: nowhere.url } });
  const answers = await askTimes(count, bridge.url);
  await bridge.kill();
  const [directory = ''] = await journalsIn(system.dataDir);
  const segments = (await readdir(directory)).filter((name) => name.endsWith('.log'));
  expect(segments).toHaveLength(1);
  return { answers, file: path.join(directory, segments[0] ?? '') };
}

interface Damage {
  readonly reason: string;
  /** Which line, and what becomes of it. */
  readonly kind: string;
  readonly id: string | undefined;
  readonly change: (line: string) => string;
}

/** Damages a journal; its last line loses its end. Answers what was damaged, and where. */
async function damaged(
  file: string,
  damages: readonly Damage[],
): Promise<{ reason: string; offset: number; line: string }[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  const changes = damages.map(({ reason, kind, id, change }) => {
    const index = lines.findIndex((line) => isOf(line, kind, id));
    const offset = lines
      .slice(0, index)
      .reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    return { index, reason, offset, line: change(lines[index] ?? '') };
  });
  expect(changes.at(-1)?.index).toBe(lines.length - 1);
  for (const { index, line } of changes) lines[index] = line;
  await writeFile(file, lines.join('\n'));
  return changes;
}

function isOf(line: string, kind: string, id: string | undefined): boolean {
  const decoded = decodeLine(line);
  return decoded.kind === 'event' && decoded.event.kind === kind && decoded.event.id === id;
}

function flipped(line: string): string {
  const bytes = Buffer.from(line);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  return bytes.toString();
}

/** The line as a later program would have written it. */
function ofVersionTwo(line: string): string {
  const body = `2${line.slice(line.indexOf(' ', 9))}`;
  return `${crc32(body).toString(16).padStart(8, '0')} ${body}`;
}

async function summaryOf(id: string): Promise<Record<string, unknown>> {
  const { status } = await system.tables.ended(id);
  const [prompts, usages] = await Promise.all([
    system.tables.children('prompts', id),
    system.tables.children('token_usages', id),
  ]);
  return { status, prompts: prompts.length, usages: usages.length };
}

async function setAside(): Promise<string> {
  const directory = path.join(system.dataDir, 'journal', 'set-aside');
  const files = await readdir(directory);
  const contents = files.map((name) => readFile(path.join(directory, name), 'utf8'));
  return (await Promise.all(contents)).join('');
}
