import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { RecordedLog } from '../../../test/support/recorded-log.ts';
import { Secret } from '../../core/secret.ts';
import { Metrics } from '../../telemetry/index.ts';
import type { AttemptDump } from './attempt-dump.ts';
import { Dumps, type ProviderDumps } from './dumps.ts';

const KEY = 'sk-ant-secret-key-0123456789';
const MASK = 'sk-a...6789*****************';
const ID = '0198c0de-7000-7abc-8def-0123456789ab';
const FILE_BYTES_MAX = 512 * 1024;

let root: string;
let log: RecordedLog;
let metrics: Metrics;
let clock: FakeClock;
let dumps: Dumps;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dumps-'));
  log = new RecordedLog();
  metrics = new Metrics();
  clock = new FakeClock();
  const bounds = { fileBytesMax: FILE_BYTES_MAX, filesMax: 1_000, keepMs: 86_400_000 };
  dumps = new Dumps(bounds, clock, { meter: metrics.meter, logger: log });
});

afterEach(async () => {
  await dumps.close(30_000);
  await rm(root, { recursive: true, force: true });
});

function provider(dumpDir = root): ProviderDumps {
  return dumps.of({ name: 'openai', dumpDir, host: 'api.example' });
}

interface Attempted {
  readonly ordinal?: number;
  readonly model?: string | undefined;
  readonly body?: string | Buffer;
  readonly headers?: readonly string[];
}

function begin(of: ProviderDumps, attempted: Attempted = {}): AttemptDump {
  const { ordinal = 1, body, headers = [] } = attempted;
  const model = 'model' in attempted ? attempted.model : 'gpt-5';
  const place = { interceptionId: ID, turn: 1, ordinal, startedAtMs: clock.nowMs() };
  return of.begin(
    { ...place, model, secret: new Secret(KEY) },
    {
      method: 'POST',
      path: `/v1/x?key=${KEY}`,
      headers,
      body: body === undefined ? undefined : Buffer.from(body),
    },
  );
}

/** What lies below the provider's directory once everything is written. */
async function written(): Promise<Record<string, string>> {
  await dumps.close(30_000);
  const base = join(root, 'openai');
  const entries = await readdir(base, { recursive: true, withFileTypes: true });
  const files = entries.filter((each) => each.isFile());
  return Object.fromEntries(
    await Promise.all(
      files.map(async ({ parentPath, name }) => {
        const place = join(parentPath.slice(base.length + 1), name);
        return [place, await readFile(join(parentPath, name), 'latin1')];
      }),
    ),
  );
}

const PLACE = `${Date.UTC(2026, 0, 1)}-${ID}-t1-a1`;

describe('an attempt', () => {
  it('has a file for the request and one for the answer', async () => {
    const dump = begin(provider(), { body: '{ "a":1.0 }', headers: ['X-Spelled', 'As It Was'] });
    dump.answered(429, ['Content-Type', 'text/plain', 'Transfer-Encoding', 'chunked']);
    dump.chunk(Buffer.from('one '));
    dump.chunk(Buffer.from('two'));
    dump.ended();

    expect(await written()).toEqual({
      [`gpt-5/${PLACE}.req.txt`]:
        'POST /v1/x?key=sk-a...6789 HTTP/1.1\r\nhost: api.example\r\nX-Spelled: As It Was\r\n' +
        'content-length: 11\r\n\r\n{ "a":1.0 }',
      [`gpt-5/${PLACE}.resp.txt`]:
        'HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\n\r\none two',
    });
    expect(await metrics.render()).toContain(
      'aibridge_dump_files_total{provider="openai",result="whole"} 2\n',
    );
    expect(log.lines).toEqual([]);
  });

  it('without an answer says why, once', async () => {
    const dump = begin(provider(), { model: undefined });
    dump.failed(`no answer to ${KEY}`);
    dump.failed('again');
    dump.ended();

    const files = await written();
    expect(files[`passthrough/${PLACE}.req_error.txt`]).toBe('no answer to sk-a...6789\n');
    expect(Object.keys(files)).toHaveLength(2);
  });

  it('whose answer breaks off has the beginning of it and the reason', async () => {
    const dump = begin(provider());
    dump.answered(200, []);
    dump.chunk(Buffer.from('half'));
    dump.failed('other side closed');

    const files = await written();
    expect(files[`gpt-5/${PLACE}.resp.txt`]).toBe('HTTP/1.1 200 OK\r\n\r\nhalf');
    expect(files[`gpt-5/${PLACE}.req_error.txt`]).toBe('other side closed\n');
  });

  it('is for the eyes of its owner alone', async () => {
    begin(provider(join(root, 'made', 'by us')));
    await dumps.close(30_000);
    const base = join(root, 'made');
    const entries = await readdir(base, { recursive: true, withFileTypes: true });
    const modes = entries.map(async (each) => {
      const { mode } = await stat(join(each.parentPath, each.name));
      return `${each.isFile() ? 'file' : 'folder'} ${(mode & 0o777).toString(8)}`;
    });
    expect(new Set(await Promise.all(modes))).toEqual(new Set(['folder 700', 'file 600']));
  });
});

// Law 5: a pool key exists on one wire. Providers name it, and callers may write theirs anywhere.
describe('the credential of an attempt', () => {
  it('is masked in heads and bodies, and lengths stay true', async () => {
    const headers = ['x-echo', `it is ${KEY}`, 'authorization', `Bearer ${KEY}`];
    const dump = begin(provider(), { body: `my key is ${KEY}.`, headers });
    dump.answered(401, headers);
    dump.chunk(Buffer.from(`wrong: ${KEY}`));
    dump.ended();

    const files = await written();
    expect(JSON.stringify(files)).not.toContain('secret-key');
    expect(files[`gpt-5/${PLACE}.req.txt`]?.split('\r\n').slice(-3)).toEqual([
      'content-length: 39',
      '',
      `my key is ${MASK}.`,
    ]);
  });

  it('is masked wherever an answer is cut', async () => {
    const text = `a ${KEY} b`;
    const of = provider();
    for (let cut = 0; cut <= text.length; cut += 1) {
      const dump = begin(of, { ordinal: cut + 1 });
      dump.answered(200, []);
      dump.chunk(Buffer.from(text.slice(0, cut)));
      dump.chunk(Buffer.from(text.slice(cut)));
      dump.ended();
    }
    const answers = Object.entries(await written()).filter(([name]) => name.endsWith('.resp.txt'));
    expect(answers).toHaveLength(text.length + 1);
    for (const [, answer] of answers) expect(answer).toMatch(/\r\n\r\na sk-a\.\.\.6789\*{17} b$/);
  });
});

describe('what is not written', () => {
  it('is what goes beyond the size of a file, which says so in its name', async () => {
    const of = provider();
    const dump = begin(of, { body: Buffer.alloc(FILE_BYTES_MAX, 'x') });
    dump.answered(200, []);
    for (let sent = 0; sent < FILE_BYTES_MAX; sent += 1_000) dump.chunk(Buffer.alloc(1_000, 'y'));
    dump.ended();
    begin(of, { ordinal: 2, body: 'short' });

    const files = await written();
    const lengths = Object.entries(files).map(([name, text]) => `${name} ${text.length}`);
    expect(lengths.toSorted()).toEqual([
      `gpt-5/${PLACE}.req.txt.cut ${FILE_BYTES_MAX}`,
      `gpt-5/${PLACE}.resp.txt.cut ${FILE_BYTES_MAX}`,
      expect.stringMatching(/-a2\.req\.txt \d+$/),
    ]);
    expect(await metrics.render()).toContain('{provider="openai",result="too_large"} 2\n');
    expect(log.lines).toEqual([]);
  });

  // Nothing is written before the event loop turns, as with a disk that hangs.
  it('is what comes faster than the disk takes it: memory has a bound', async () => {
    const of = provider();
    const body = Buffer.alloc(FILE_BYTES_MAX - 1_000, 'x');
    const filesMax = Math.floor((32 * 2 ** 20) / body.length);
    for (let ordinal = 1; ordinal <= 1_000; ordinal += 1) begin(of, { ordinal, body });

    const text = await metrics.render();
    const lost = Number(/result="overload"\} (\d+)\n/.exec(text)?.[1]);
    expect(lost).toBeGreaterThanOrEqual(1_000 - filesMax);
    expect(lost).toBeLessThan(1_010 - filesMax);
    expect(log.said).toEqual(['warn dumps are being lost']);
  });

  it('is what has no directory to go to: one line in the log, however many', async () => {
    const place = join(root, 'a-file');
    await writeFile(place, '');
    const of = provider(place);
    for (let ordinal = 1; ordinal <= 20; ordinal += 1) {
      const dump = begin(of, { ordinal });
      dump.answered(200, []);
      dump.ended();
    }
    await dumps.close(30_000);
    expect(log.said).toEqual(['warn dumps are being lost']);
    expect(await metrics.render()).toContain('{provider="openai",result="failed"} 40\n');
  });

  it('is news again after a quiet minute', async () => {
    const place = join(root, 'a-file');
    await writeFile(place, '');
    const of = provider(place);
    for (const pauseMs of [0, 59_000, 59_000, 61_000]) {
      clock.advanceMs(pauseMs);
      begin(of);
      await dumps.close(30_000);
    }
    expect(log.said).toHaveLength(2);
  });

  it('is the rest of an answer whose folder vanished, but nothing that comes later', async () => {
    const of = provider();
    const dump = begin(of);
    dump.answered(200, []);
    await dumps.close(30_000);
    await rm(join(root, 'openai'), { recursive: true });
    dump.chunk(Buffer.from('lost'));
    dump.ended();
    await dumps.close(30_000);
    begin(of, { ordinal: 2 });

    expect(Object.keys(await written())).toEqual([expect.stringMatching(/-a2\.req\.txt$/)]);
    expect(log.said).toEqual(['warn dumps are being lost']);
  });

  it.skipIf(process.getuid?.() === 0)('is what may not be written', async () => {
    await chmod(root, 0o500);
    begin(provider());
    await dumps.close(30_000);
    await chmod(root, 0o700);
    expect(log.said).toEqual(['warn dumps are being lost']);
  });
});
