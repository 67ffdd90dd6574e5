import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { startSimulator } from './index.ts';

const MESSAGE = '{"model":"claude-x","stream":true,"messages":[]}';

describe('the simulator alone', () => {
  it('lets keys behave like their names, says each call in a line, and stops when told', async () => {
    const program = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
      env: { PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
    const nextLine = async (): Promise<string> => (await lines.next()).value ?? '';
    const url = (await nextLine()).replace('simulated providers at ', '');
    const said: string[] = [];
    for (const key of ['sk-limited-0123456789ab', 'sk-revoked', 'sk-overloaded', 'sk-good']) {
      await fetch(`${url}/v1/messages`, {
        method: 'POST',
        headers: { 'x-api-key': key },
        body: MESSAGE,
      }).then(async (response) => response.text());
      said.push((await nextLine()).replace(/^\S+ /, '').replace(/\d+ms$/, ''));
    }
    expect(said).toEqual([
      'sk-l...89ab POST /v1/messages claude-x -> 429 rate_limited completed ',
      'sk...ed POST /v1/messages claude-x -> 401 unauthorized completed ',
      'sk...ed POST /v1/messages claude-x -> 529 overloaded completed ',
      's...d POST /v1/messages claude-x -> 200 answer completed ',
    ]);
    program.kill('SIGTERM');
    await expect(once(program, 'exit')).resolves.toEqual([0, null]);
  }, 20_000);

  it('says what is wrong with a script file, and ends', async () => {
    const args = [join(import.meta.dirname, 'main.ts'), '--script', import.meta.filename];
    const program = spawn(process.execPath, args, { env: { PORT: '0' } });
    const said = text(program.stderr);
    await expect(once(program, 'exit')).resolves.toEqual([2, null]);
    await expect(said).resolves.toMatch(/^\S+ is no JSON: .*\n$/);
  }, 20_000);

  it.each([
    [MESSAGE, /^event: message_start[^]*"text":"quick"[^]*message_stop"}\n\n$/],
    ['{"messages":[]}', /^{"id":"msg_[^]*"text":"quick"/],
  ])('gives a benchmark its answer without a script or a log: %s', async (body, answer) => {
    const sim = await startSimulator({ fast: { text: 'quick', chunks: 1 } });
    const post = async (): Promise<string> =>
      (await fetch(`${sim.url}/v1/messages`, { method: 'POST', body })).text();
    const first = await post();
    expect(first).toMatch(answer);
    await expect(post()).resolves.toBe(first);
    expect(sim.calls).toEqual([]);
    await sim.close();
  });
});
