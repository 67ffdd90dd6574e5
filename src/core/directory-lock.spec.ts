import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DirectoryInUseError,
  isDirectoryLocked,
  lockDirectory,
  tryLockDirectory,
} from './directory-lock.ts';

const HOLDER = `
  const { lockDirectory } = await import(process.argv[1]);
  lockDirectory(process.argv[2]);
  console.log('locked');
  setInterval(() => {}, 60_000);
`;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'directory-lock-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

async function holderProcess() {
  const module = path.join(import.meta.dirname, 'directory-lock.ts');
  const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, module, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  return holder;
}

describe('a directory lock', () => {
  it('keeps a second process out, names the first, and is gone with it, also after kill -9', async () => {
    const holder = await holderProcess();
    expect(tryLockDirectory(directory)).toBeUndefined();
    expect(() => lockDirectory(directory)).toThrow(
      `data directory ${directory} is in use by another bridge (pid ${holder.pid})`,
    );

    holder.kill('SIGKILL');
    await once(holder, 'exit');
    lockDirectory(directory).release();
  });

  it('is seen by whoever looks, who neither takes nor breaks it', async () => {
    expect(isDirectoryLocked(directory)).toBe(false);
    const holder = await holderProcess();
    expect(isDirectoryLocked(directory)).toBe(true);
    expect(tryLockDirectory(directory)).toBeUndefined();
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    expect(isDirectoryLocked(directory)).toBe(false);
    const lock = lockDirectory(directory);
    expect(isDirectoryLocked(directory)).toBe(true);
    expect(tryLockDirectory(directory)).toBeUndefined();
    lock.release();
    expect(isDirectoryLocked(directory)).toBe(false);
  });

  it('keeps the same process out too', () => {
    const lock = lockDirectory(directory);
    expect(() => lockDirectory(directory)).toThrow(DirectoryInUseError);
    lock.release();
    lockDirectory(directory).release();
  });

  it('takes a second release for none, even when somebody else holds the lock by then', () => {
    const first = lockDirectory(directory);
    first.release();
    const second = lockDirectory(directory);
    first.release();
    expect(tryLockDirectory(directory)).toBeUndefined();
    second.release();
  });

  it('fails on a directory that does not exist instead of calling it taken', () => {
    expect(() => tryLockDirectory(path.join(directory, 'missing'))).toThrow('unable to open');
  });
});
