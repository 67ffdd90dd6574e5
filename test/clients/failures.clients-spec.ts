import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Call } from '../simulator/index.ts';
import { readScriptFile } from '../simulator/script-file.ts';
import { playground } from '../simulator/playground.ts';
import { Office } from './office.ts';
import { isInstalled, type ClientName } from './programs.ts';
import { User } from './user.ts';

const CLIENTS: readonly ClientName[] = ['Claude Code', 'Codex'];
const EXAMPLE = new URL('../simulator/examples/tool-loop.json', import.meta.url).pathname;

/** A call that a model has to answer, and not the client's question whether anybody is there. */
const asksModel = ({ route }: Call): boolean =>
  route.name === 'messages' || route.name === 'responses';

for (const client of CLIENTS) {
  describe.skipIf(!isInstalled(client))(`${client} when things go wrong`, () => {
    let office: Office;
    let user: User;
    let since: Date;
    beforeAll(async () => {
      office = await Office.open();
    });
    beforeEach(async () => {
      user = await User.of(client, office.bridge.url);
      since = new Date();
    });
    afterAll(() => office.close());

    test('does not notice that the first key is rate limited, in the tool loop of the README', async () => {
      const fresh = await Office.open();
      onTestFinished(() => fresh.close());
      fresh.simulator.onAnyKey(playground(readScriptFile(EXAMPLE)));
      const newcomer = await User.of(client, fresh.bridge.url);
      const ending = await newcomer.ask('Look around, please');
      expect(ending).toMatchObject({ code: 0, stdout: 'This is an empty room.\n' });
      expect(ending.stderr).not.toMatch(/limit|429|retry/i);

      const [first, ...others] = await fresh.audit.calls(since, 3);
      expect(first).toMatchObject({ failedOver: true, status: 'completed' });
      expect(first?.attempts.map(({ outcome }) => outcome)).toEqual(['rate_limited', 'served']);
      expect(others.map(({ attempts }) => attempts.length)).toEqual([1, 1]);
    });

    test('asks again after a stream that was cut, of which the record says that it failed', async () => {
      office.play({
        answers: [
          { text: 'I say', faults: [{ cut: { afterEvents: 3, clean: true } }] },
          { text: 'Yes.' },
        ],
      });
      expect(await user.ask('Are you there?')).toMatchObject({ code: 0, stdout: 'Yes.\n' });
      const calls = await office.audit.calls(since, 2);
      expect(calls.map(({ status }) => status)).toEqual(['failed', 'completed']);
    });

    test('is recorded as gone when it is interrupted', async () => {
      office.play({ answers: [{ text: 'I think', faults: [{ stall: { afterEvents: 3 } }] }] });
      const run = user.begin('Think long');
      const call = await office.simulator.waitForCall(asksModel, 20_000);
      run.signal('SIGINT');
      await run.ended;
      await call.ended;
      const calls = await office.audit.calls(since, 1);
      expect(calls.map(({ status }) => status)).toEqual(['aborted']);
      expect(calls[0]?.attempts.at(-1)?.outcome).toBe('aborted');
    });

    test('has a record that says interrupted, and by which key, when the bridge is killed in the middle', async () => {
      office.play({ answers: [{ text: 'I think', faults: [{ stall: { afterEvents: 3 } }] }] });
      const run = user.begin('Think long');
      await office.simulator.waitForCall(asksModel, 20_000);
      const open = await office.audit.openCall(since);
      await office.bridge.kill();
      run.signal('SIGKILL');
      await run.ended;
      await office.reopen();

      const [call] = await office.audit.calls(since, 1);
      const { hint } = open.attempts.at(-1)?.credential ?? {};
      expect(hint).toMatch(/02$/);
      expect(call).toMatchObject({ id: open.id, status: 'interrupted', credential: { hint } });
      expect(call?.attempts.at(-1)).toMatchObject({ outcome: 'interrupted', credential: { hint } });
    });
  });
}

describe.skipIf(!isInstalled('Claude Code'))(
  'a key that Claude Code finds beside the token',
  () => {
    let office: Office;
    beforeAll(async () => {
      office = await Office.open();
    });
    afterAll(() => office.close());

    // What the README warns of.
    test('beats it: the call is made with that key and never with one of the pool', async () => {
      office.play({ answers: [{ text: 'Hello.' }] });
      const user = await User.of('Claude Code', office.bridge.url);
      const since = new Date();
      const key = 'sk-ant-api03-a-key-of-my-own-0001';
      expect(await user.ask('Hello', { ANTHROPIC_API_KEY: key })).toMatchObject({ code: 0 });
      const [call] = await office.audit.calls(since, 1);
      expect(call?.credential.kind).toBe('byok');
      expect(office.simulator.calls.filter(asksModel).map((one) => one.key)).toEqual([key]);
    });
  },
);
