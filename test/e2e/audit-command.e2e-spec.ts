import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { widthOf } from '../../scripts/text-width.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { aStart, anEnd } from '../support/record-events.ts';
import { until } from '../support/until.ts';
import { ALICE, AUDITOR, startAuditSystem, type AuditSystem } from './audit-system.ts';

const ID = uuidv7(Date.UTC(2026, 4, 1));
let audit: AuditSystem;

beforeAll(async () => {
  audit = await startAuditSystem();
  await audit.store(
    aStart({ id: ID, initiatorId: ALICE.id, client: 'with\u001b[31m colour', sessionId: 'talk' }),
    anEnd({ id: ID }),
    aStart({ id: uuidv7(Date.UTC(2026, 4, 2)), initiatorId: 'bob@corp', sessionId: 'talk' }),
  );
});

afterAll(() => audit.stop());

function started(...args: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, ['scripts/audit.ts', ...args]);
  onTestFinished(() => void child.kill());
  return child;
}

interface Told {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

async function run(...args: readonly string[]): Promise<Told> {
  const child = started(...args);
  const exit = once(child, 'exit');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await exit;
  return { stdout, stderr, code };
}

function command(...words: readonly string[]): Promise<Told> {
  return run(...words, '--url', audit.bridge.url, '--as', ALICE.id);
}

function asAuditor(...words: readonly string[]): Promise<Told> {
  const { id, group = '' } = AUDITOR;
  return run(...words, '--url', audit.bridge.url, '--as', id, '--groups', group);
}

it('shows a table that a terminal can be trusted with', async () => {
  const { stdout } = await command('list', 'status=completed');
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^started +initiator +provider +model/);
  expect(lines[1]).toContain('with [31m colour');
  expect(lines[1]).toContain(ID);
});

it('keeps its columns, whatever script they are in, and shows nothing that hides', async () => {
  const clients = ['佐藤太郎', 'abc', '\u202egnp.exe', 'e\u0301\u200b', '👍'];
  const records = clients.map((client, n) => ({ client, id: uuidv7(Date.UTC(2026, 5, 1) + n) }));
  await audit.store(
    ...records.map(({ client, id }) => aStart({ id, client, initiatorId: 'dora@corp' })),
  );
  const { stdout } = await asAuditor('list', 'initiator=dora@corp');
  const lines = stdout.trimEnd().split('\n').slice(1);
  expect(lines).toHaveLength(clients.length);
  // The last column begins where it does in every other line.
  const begins = records.map(({ id }) => {
    const line = lines.find((each) => each.endsWith(id)) ?? '';
    return widthOf(line.slice(0, -id.length));
  });
  expect(new Set(begins).size).toBe(1);
  expect(stdout).not.toMatch(/\p{Cf}/u);
});

it('shows the answer of the API as JSON', async () => {
  const { stdout } = await command('list', '--json');
  expect(JSON.parse(stdout)).toEqual((await audit.get('/interceptions', ALICE)).body);
  expect(Object(JSON.parse((await command('show', ID)).stdout)).id).toBe(ID);
});

it('leaves what is no row to the other stream', async () => {
  const { stdout, stderr, code } = await asAuditor('list', 'limit=1', 'count=true');
  expect(stdout.trimEnd().split('\n')).toHaveLength(2);
  expect(stderr).toMatch(/^\d+ in all\nmore: cursor=\w+\n$/);
  const [, cursor = ''] = /more: (.*)/.exec(stderr) ?? [];
  expect((await asAuditor('list', 'limit=1', cursor)).code).toBe(code);
  expect(await asAuditor('list', 'model=none')).toMatchObject({
    stdout: '',
    stderr: 'nothing matches\n',
    code: 0,
  });
});

it('streams an export', async () => {
  const { stdout } = await command('export', 'format=csv');
  expect(stdout.trimEnd().split('\r\n')).toHaveLength(2);
});

it.each([
  [['usage', 'groupBy=model'], /model +interceptions[^\n]*\nclaude-opus-4-5 +1 /],
  [['facets', 'clients'], /value\nwith \[31m colour/],
  [['me'], /"role": "member"/],
  [['session', 'talk'], /"turns": 1/],
  [['sessions'], /^id +initiator\.id[^\n]*\ntalk +alice@corp/],
])('answers %j', async (words, expected) => {
  const { stdout, code } = await command(...words);
  expect(stdout).toMatch(expected);
  expect(code).toBe(0);
});

it('explains itself when it is asked to', async () => {
  for (const words of [['--help'], ['-h'], ['help'], ['list', '--help']]) {
    expect(await run(...words)).toMatchObject({
      stdout: expect.stringContaining('npm run audit -- <what>'),
      stderr: '',
      code: 0,
    });
  }
});

it.each([
  [[], 'What do you want to know?'],
  [['nonsense'], 'nonsense: unknown'],
  [['show'], 'show: which one?'],
  [['list', 'me'], 'me: is not of the form name=value'],
  [['list', '--colour'], "Unknown option '--colour'"],
  [['list', '--url'], "Option '--url <value>' argument missing"],
  [['list', '--url', 'nowhere'], 'nowhere: is not the URL of a bridge'],
  [['list', '--header', 'x'], '--header x: is not of the form "name: value"'],
])('says how it is used when it is asked %j', async (words, problem) => {
  const { stdout, stderr, code } = await run(...words);
  expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
  expect(stderr).toContain('npm run audit -- <what>');
  expect(stderr.endsWith(`\n${problem}\n`)).toBe(true);
});

it.each([
  [['list', 'colour=red'], /^400: colour: is not a known parameter\n$/],
  [['show', uuidv7(1)], /^404: There is no interception /],
  [['keys'], /^403: /],
])('says what the API has against %j', async (words, problem) => {
  const { stdout, stderr, code } = await command(...words);
  expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
  expect(stderr).toMatch(problem);
});

it('names those of whom one is to be named', async () => {
  const { stderr } = await asAuditor('session', 'talk');
  expect(stderr).toMatch(/^400: Several people[^\n]*\n {2}alice@corp\n {2}bob@corp\n$/);
});

it('says who to be, and can be whoever a header says', async () => {
  const { bridge } = audit;
  expect(await run('me', '--url', bridge.url)).toMatchObject({
    stderr: expect.stringMatching(/^401: [^\n]*\nSay who you are with --as or --header\.\n$/),
    code: 1,
  });
  const named = await run('me', '--url', bridge.url, '--header', `X-Forwarded-User: ${ALICE.id}`);
  expect(Object(JSON.parse(named.stdout)).id).toBe(ALICE.id);
});

it('asks whether the bridge is running when nobody answers', async () => {
  const way = await CuttableProxy.start(audit.bridge.url);
  await way.cut();
  const { stderr, code } = await run('list', '--url', way.url);
  expect(stderr).toMatch(/^http:\S+ connect ECONNREFUSED \S+ is the bridge running there\?\n$/);
  expect(code).toBe(1);
});

it('stops without a word when whoever reads has enough', async () => {
  const ids = Array.from({ length: 2_000 }, (_, n) => uuidv7(Date.UTC(2026, 6, 1) + n));
  await audit.store(...ids.map((id) => aStart({ id, initiatorId: 'erin@corp' })));
  const { bridge } = audit;
  const child = started('export', '--url', bridge.url, '--as', 'erin@corp');
  const exit = once(child, 'exit');
  child.stdout.once('data', () => child.stdout.destroy());
  expect(await text(child.stderr)).toBe('');
  expect(await exit).toEqual([0, null]);
});

/** A record that ends now. */
async function end(initiatorId: string): Promise<string> {
  const id = uuidv7(Date.now());
  await audit.store(aStart({ id, at: Date.now(), initiatorId }), anEnd({ id, at: Date.now() }));
  return id;
}

/** What has been said so far. */
function heard(child: ChildProcessWithoutNullStreams): { stdout: string; stderr: string } {
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => (said.stdout += String(bytes)));
  child.stderr.on('data', (bytes) => (said.stderr += String(bytes)));
  return said;
}

describe('live', () => {
  it('is a table that grows, and goes on where it was after a break', async () => {
    const way = await CuttableProxy.start(audit.bridge.url);
    onTestFinished(() => way.cut());
    const said = heard(started('live', '--url', way.url, '--as', 'fay@corp'));
    const rows = (): string[] => said.stdout.split('\n').slice(1, -1);
    // Whether it has begun shows only in what it shows.
    await until('a first row', async () => {
      await end('fay@corp');
      return rows()[0];
    });
    await way.cut();
    const missed = await end('fay@corp');
    await until('the break', () => (said.stderr === '' ? undefined : true));
    const alsoMissed = await end('fay@corp');
    await way.mend();
    await until('what was missed', () => (said.stdout.includes(alsoMissed) ? true : undefined));

    expect(said.stdout).toMatch(/^started +initiator +provider +model/);
    const ids = rows().map((row) => row.split(/ +/).at(-1));
    expect(ids.slice(-2)).toEqual([missed, alsoMissed]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(said.stderr).toMatch(/^the stream has ended; going on where it was/);
  });

  it('is an object a line as JSON', async () => {
    const { url } = audit.bridge;
    const said = heard(started('live', '--json', '--url', url, '--as', 'gil@corp'));
    const line = await until('a line', async () => {
      await end('gil@corp');
      return said.stdout.split('\n').slice(0, -1)[0];
    });
    expect(JSON.parse(line)).toMatchObject({ initiator: { id: 'gil@corp' }, status: 'completed' });
  });

  it('is refused for what is wrong with it', async () => {
    expect(await command('live', 'limit=1')).toMatchObject({
      stderr: '400: limit: is not a known parameter\n',
      code: 1,
    });
  });
});
