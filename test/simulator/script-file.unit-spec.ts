import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { startSimulator, type Simulator } from './index.ts';
import { playground } from './playground.ts';
import { readScriptFile, scriptOf } from './script-file.ts';

const EXAMPLE = join(import.meta.dirname, 'examples', 'tool-loop.json');

function written(...rules: readonly unknown[]): string {
  return JSON.stringify({ rules });
}

describe('a script file', () => {
  let sim: Simulator;
  beforeAll(async () => {
    sim = await startSimulator();
  });
  afterEach(() => {
    sim.clear();
  });
  afterAll(async () => {
    await sim.close();
  });

  const said = async (path: string, body: object, key = 'sk-any'): Promise<string> => {
    const response = await fetch(`${sim.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'm', ...body }),
    });
    return `${response.status} ${await response.text()}`;
  };
  const plays = (json: string): void => void sim.onAnyKey(playground(scriptOf(json)));

  it.each([
    ['/v1/messages', '"type":"tool_use"'],
    ['/v1/chat/completions', '"tool_calls":[{'],
    ['/v1/responses', '"type":"function_call"'],
  ])('plays a tool loop on %s, call by call, and stays at its last answer', async (path, call) => {
    const tools = [{ name: 'look', input: { where: 'here' } }];
    plays(written({ answers: [{ tools }, { tools }, { text: 'An empty room.' }] }));
    const answers: string[] = [];
    for (let turn = 0; turn < 4; turn += 1) answers.push(await said(path, {}));
    expect(answers.map((text) => text.includes(call))).toEqual([true, true, false, false]);
    expect(answers.map((text) => text.includes('An empty room.'))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('begins again after its last answer where it is told to', async () => {
    plays(written({ repeat: true, answers: [{ text: 'tick' }, { text: 'tock' }] }));
    for (const word of ['tick', 'tock', 'tick']) {
      await expect(said('/v1/messages', {})).resolves.toContain(word);
    }
  });

  it('takes the first rule that fits, by route, model, key and body, and counts each by itself', async () => {
    plays(
      written(
        { when: { route: 'responses' }, answers: [{ text: 'by route' }] },
        { when: { model: '^gpt' }, answers: [{ text: 'by model' }] },
        { when: { key: 'mine$' }, answers: [{ text: 'by key' }] },
        { when: { body: '"title' }, answers: [{ text: 'by body' }, { text: 'again' }] },
        { answers: [{ text: 'by nothing' }] },
      ),
    );
    await expect(said('/v1/responses', { model: 'gpt-x' })).resolves.toContain('by route');
    await expect(said('/v1/messages', { model: 'gpt-x' })).resolves.toContain('by model');
    await expect(said('/v1/messages', {}, 'sk-mine')).resolves.toContain('by key');
    await expect(said('/v1/messages', { system: 'title' })).resolves.toContain('by body');
    await expect(said('/v1/messages', {})).resolves.toContain('by nothing');
    await expect(said('/v1/messages', { system: 'title' })).resolves.toContain('again');
  });

  it('leaves calls that no rule fits, and keys that behave like their names, as they are', async () => {
    plays(written({ when: { route: 'responses' }, answers: [{ text: 'scripted' }] }));
    await expect(said('/v1/messages', {})).resolves.not.toContain('scripted');
    await expect(said('/v1/responses', {}, 'sk-limited')).resolves.toMatch(/^429 /);
  });

  it.each([
    [{ rateLimited: { retryAfter: 3 } }, /^429 /],
    [{ serverError: 503 }, /^503 /],
    [{ missingTerminal: true }, /^200 (?![^]*message_stop)/],
    [{ malformedFrame: { atEvent: 1 } }, /^200 [^]*"index":0,"content_b\n\n/],
    [{ commentFrames: 'still here' }, /^200 : still here\n/],
    [{ errorFirst: { kind: 'overloaded' } }, /^200 event: error\n/],
    [{ cut: { afterEvents: 2, clean: true } }, /^200 (?:event: \w+\ndata: .*\n\n){2}$/],
  ])('has the faults of the simulator by their names: %j', async (fault, answer) => {
    plays(written({ answers: [{ text: 'hi', faults: [fault] }] }));
    await expect(said('/v1/messages', { stream: true })).resolves.toMatch(answer);
  });

  it.each([
    ['{', 'the script is no JSON'],
    ['{"rules":[]}', 'rules'],
    [written({ answers: [{ txt: 'hi' }] }), 'Unrecognized key: "txt"'],
    [written({ answers: [{ faults: [{ explode: true }] }] }), 'Unrecognized key: "explode"'],
    [written({ when: { body: '(' }, answers: [{}] }), 'no regular expression: ('],
  ])('is refused in words when it is wrong: %s', (json, reason) => {
    expect(() => scriptOf(json)).toThrow(reason);
  });

  it('is shown by an example that plays', async () => {
    sim.onAnyKey(playground(readScriptFile(EXAMPLE)));
    const asked = { tools: [{ name: 'Bash' }] };
    await expect(
      said('/v1/messages', { system: 'You are naming a coding session' }),
    ).resolves.toContain('Look around');
    await expect(said('/v1/messages', asked)).resolves.toContain('pwd');
    await expect(said('/v1/messages', asked)).resolves.toContain('ls');
    await expect(said('/v1/messages', asked)).resolves.toContain('empty room');
    await expect(said('/v1/messages', asked)).resolves.toContain('pwd');
    await expect(said('/v1/responses', {})).resolves.toContain('custom_tool_call');
  });
});
