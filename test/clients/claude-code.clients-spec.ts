import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { factsOf, machineTextOf, threadsOf } from './audit.ts';
import { Office } from './office.ts';
import { isInstalled } from './programs.ts';
import { User } from './user.ts';

const CLIENT = 'Claude Code';
const inputOf = (command: string) => ({ command, description: 'Look' });
const bash = (command: string) => ({ name: 'Bash', input: inputOf(command) });
const used = (command: string) => `Bash ${JSON.stringify(inputOf(command))}`;

describe.skipIf(!isInstalled(CLIENT))('what is recorded of Claude Code', () => {
  let office: Office;
  beforeAll(async () => {
    office = await Office.open();
  });
  afterAll(() => office.close());

  test('its conversation: prompts, one thread for each tool loop, tools, session, and what else it asked for', async () => {
    office.play({
      answers: [
        { text: 'I look first.', tools: [bash('pwd')] },
        { tools: [bash('ls')] },
        { text: 'An empty room.' },
      ],
    });
    const user = await User.of(CLIENT, office.bridge.url);
    const since = new Date();
    expect(await user.ask('Look around, please')).toMatchObject({
      code: 0,
      stdout: 'An empty room.\n',
    });
    expect(await user.askAgain('And behind the door?')).toMatchObject({ code: 0 });
    expect(await user.askAgain('/compact')).toMatchObject({ code: 0 });

    const calls = await office.audit.calls(since, 5);
    const ids = calls.map(({ id }) => id);
    expect(calls.map(factsOf)).toEqual([
      { purpose: 'main', asked: ['Look around, please'], tools: [used('pwd')] },
      { purpose: 'main', asked: [], tools: [used('ls')] },
      { purpose: 'main', asked: [], tools: [] },
      { purpose: 'main', asked: ['And behind the door?'], tools: [] },
      { purpose: 'compact', asked: [], tools: [] },
    ]);
    expect(machineTextOf(calls[0])).toMatch(/<system-reminder>[^]*<\/system-reminder>/);
    for (const call of calls) expect(call).toMatchObject({ client: CLIENT, status: 'completed' });

    const sessionId = office.simulator.calls.at(-1)?.headers['x-claude-code-session-id'];
    expect(calls.map((call) => call.sessionId)).toEqual(ids.map(() => sessionId));
    const session = await office.audit.session(String(sessionId));
    expect(session.turns).toBe(4);
    expect(threadsOf(session)).toEqual([ids.slice(0, 3), ids.slice(3, 4)]);
  });

  test('its counting of tokens: never a turn of the session', async () => {
    office.play({ answers: [{ text: 'Hello.' }] });
    const user = await User.of(CLIENT, office.bridge.url);
    const since = new Date();
    expect(await user.ask('Hello')).toMatchObject({ code: 0 });
    expect(await user.askAgain('/context')).toMatchObject({ code: 0 });

    const counted = office.simulator.calls.filter(
      ({ route, sent }) => route.name === 'count_tokens' && sent.status === 200,
    );
    expect(counted.length).toBeGreaterThan(0);
    const calls = await office.audit.calls(since, 1 + counted.length);
    expect(calls.map(factsOf)).toEqual([
      { purpose: 'main', asked: ['Hello'], tools: [] },
      ...counted.map(() => ({ purpose: 'count_tokens', asked: [], tools: [] })),
    ]);
    const session = await office.audit.session(calls[0]?.sessionId ?? '');
    expect(session.turns).toBe(1);
    expect(threadsOf(session)).toEqual([[calls[0]?.id]]);
  });
});
