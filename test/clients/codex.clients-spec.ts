import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { factsOf, machineTextOf, threadsOf } from './audit.ts';
import { Office } from './office.ts';
import { isInstalled } from './programs.ts';
import { User } from './user.ts';

const CLIENT = 'Codex';
/** Above this many tokens it compacts the conversation before it goes on. */
const COMPACTING = ['-c', 'model_auto_compact_token_limit=100000'];

const shell = (cmd: string) => `text((await tools.exec_command({ cmd: '${cmd}' })).output);`;
const exec = (cmd: string) => ({ name: 'exec', isCustom: true, input: shell(cmd) });
const used = (cmd: string) => `exec ${shell(cmd)}`;

describe.skipIf(!isInstalled(CLIENT))('what is recorded of Codex', () => {
  let office: Office;
  beforeAll(async () => {
    office = await Office.open();
  });
  afterAll(() => office.close());

  test('its conversation: prompts, one thread for each tool loop, tools, session, and what else it asked for', async () => {
    office.play({
      answers: [
        { tools: [exec('pwd')] },
        { tools: [exec('ls')] },
        { text: 'An empty room.', usage: { input: 200_000, output: 10 } },
        { text: 'A wall.' },
      ],
    });
    const user = await User.of(CLIENT, office.bridge.url);
    await writeFile(join(user.work, 'AGENTS.md'), 'Be kind.\n');
    const since = new Date();
    expect(await user.ask('Look around, please')).toMatchObject({
      code: 0,
      stdout: 'An empty room.\n',
    });
    expect(await user.askAgain('And behind the door?', ...COMPACTING)).toMatchObject({ code: 0 });

    const calls = await office.audit.calls(since, 5);
    const ids = calls.map(({ id }) => id);
    expect(calls.map(factsOf)).toEqual([
      { purpose: 'main', asked: ['Look around, please'], tools: [used('pwd')] },
      { purpose: 'main', asked: [], tools: [used('ls')] },
      { purpose: 'main', asked: [], tools: [] },
      { purpose: 'compact', asked: [], tools: [] },
      { purpose: 'main', asked: ['And behind the door?'], tools: [] },
    ]);
    expect(machineTextOf(calls[0])).toContain('Be kind.');
    for (const call of calls) expect(call).toMatchObject({ client: CLIENT, status: 'completed' });

    const sessionId = office.simulator.calls.at(-1)?.headers['session-id'];
    expect(calls.map((call) => call.sessionId)).toEqual(ids.map(() => sessionId));
    const session = await office.audit.session(String(sessionId));
    expect(session.turns).toBe(4);
    expect(threadsOf(session)).toEqual([ids.slice(0, 3), ids.slice(4)]);
  });
});
