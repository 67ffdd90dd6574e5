import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ToolServer } from '../simulator/mcp/index.ts';
import { toolServerVariables, toolsAreKnown } from '../support/tools.ts';
import { Office } from './office.ts';
import { isInstalled, type ClientName } from './programs.ts';
import { User } from './user.ts';

const shell = (command: string) =>
  `text((await tools.exec_command({ cmd: '${command}' })).output);`;

/** How the model calls a tool of each client's own. */
const OWN = {
  'Claude Code': { name: 'Bash', input: { command: 'pwd', description: 'Look' } },
  Codex: { name: 'exec', isCustom: true, input: shell('pwd') },
} as const satisfies Record<ClientName, object>;

const echo = (text: string) => ({ name: 'bmcp_test_echo', input: { text } });

let tools: ToolServer;
let office: Office;

beforeAll(async () => {
  tools = await ToolServer.start();
  office = await Office.open(toolServerVariables(tools));
  await toolsAreKnown(office.bridge);
});
afterAll(async () => {
  await office.close();
  await tools.close();
});

for (const client of ['Claude Code', 'Codex'] as const) {
  describe.skipIf(!isInstalled(client))(`tools of the bridge’s with ${client}`, () => {
    const own = OWN[client];

    test('are run between its own, and it never notices', async () => {
      office.play({
        answers: [
          { text: 'I ask first.', tools: [echo('one')] },
          { tools: [echo('two'), own] },
          { tools: [echo('three')] },
          { text: 'All is well.' },
        ],
      });
      tools.calls.length = 0;
      const user = await User.of(client, office.bridge.url);
      const since = new Date();
      expect(await user.ask('Look around, please')).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/All is well\.\n$/),
      });
      expect(tools.calls.map(({ input }) => input['text'])).toEqual(['one', 'two', 'three']);

      const calls = await office.audit.calls(since, 2);
      const used = calls.map(({ toolUsages }) =>
        toolUsages.map(({ tool, injected }) => `${tool}${injected ? ' of the bridge' : ''}`),
      );
      expect(used).toEqual([
        ['echo of the bridge', 'echo of the bridge', own.name],
        ['echo of the bridge'],
      ]);
      for (const call of calls) expect(call).toMatchObject({ client, status: 'completed' });

      // The model has the whole of it, although its client knows of its own tool alone.
      const last = office.simulator.calls.at(-1)?.body.toString() ?? '';
      for (const result of ['one', 'two', 'three']) expect(last).toContain(`"${result}"`);
      expect(last.indexOf('two')).toBeLessThan(last.indexOf('three'));
    });
  });
}
