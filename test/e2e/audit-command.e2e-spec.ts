import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { aStart, anEnd } from '../support/record-events.ts';
import { ALICE, startAuditSystem, type AuditSystem } from './audit-system.ts';

const ID = uuidv7(Date.UTC(2026, 4, 1));
let audit: AuditSystem;

beforeAll(async () => {
  audit = await startAuditSystem();
  await audit.store(
    aStart({ id: ID, initiatorId: ALICE.id, client: 'with\u001b[31m colour' }),
    anEnd({ id: ID }),
    aStart({ id: uuidv7(Date.UTC(2026, 4, 2)), initiatorId: 'bob@corp' }),
  );
});

afterAll(() => audit.stop());

async function command(...words: string[]): Promise<{ stdout: string; stderr: string }> {
  const { bridge } = audit;
  const args = ['scripts/audit.ts', ...words, '--url', bridge.url, '--as', ALICE.id];
  try {
    return await promisify(execFile)(process.execPath, args);
  } catch (error) {
    const { stdout, stderr } = Object(error);
    return { stdout: String(stdout), stderr: String(stderr) };
  }
}

it('shows a table that a terminal can be trusted with', async () => {
  const { stdout } = await command('list', 'status=completed');
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^started +initiator +provider +model/);
  expect(lines[1]).toContain('with [31m colour');
  expect(lines[1]).toContain(ID);
});

it('shows the answer of the API as JSON', async () => {
  const { stdout } = await command('list', '--json');
  expect(JSON.parse(stdout)).toEqual((await audit.get('/interceptions', ALICE)).body);
  expect(Object(JSON.parse((await command('show', ID)).stdout)).id).toBe(ID);
});

it('streams an export', async () => {
  const { stdout } = await command('export', 'format=csv');
  expect(stdout.trimEnd().split('\r\n')).toHaveLength(2);
});

it.each([
  [['usage', 'groupBy=model'], /model +interceptions[^\n]*\nclaude-opus-4-5 +1 /],
  [['facets', 'clients'], /value\nwith \[31m colour/],
  [['me'], /"role": "member"/],
])('answers %j', async (words, expected) => {
  expect((await command(...words)).stdout).toMatch(expected);
});

it.each([
  [['list', 'colour=red'], /400: colour: is not a known parameter/],
  [['nonsense'], /npm run audit -- <what>/],
  [['show'], /npm run audit -- <what>/],
])('says what is wrong with %j', async (words, expected) => {
  expect((await command(...words)).stderr).toMatch(expected);
});
