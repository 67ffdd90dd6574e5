import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { STANDARD_TOOLS, ToolServer } from '../simulator/mcp/index.ts';
import {
  answer,
  combine,
  crlf,
  cut,
  rateLimited,
  serverError,
  splitEvery,
  type Behaviour,
} from '../simulator/index.ts';
import { type Mode } from '../support/api-under-test.ts';
import { Fleet, type FleetProvider } from '../support/fleet.ts';
import { recordOf } from '../support/record-of.ts';
import { toolServerVariables, toolsAreKnown } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { TOOL_APIS, type ToolApi } from './tool-apis.ts';

const fleet = new Fleet();
let tools: ToolServer;

beforeAll(async () => {
  tools = await ToolServer.start();
  await fleet.start({
    ...toolServerVariables(tools),
    AIBRIDGE_MCP_TURNS: '3',
    AIBRIDGE_BREAKER: 'off',
  });
  await toolsAreKnown(fleet.bridge);
});
afterAll(async () => {
  await fleet.stop();
  await tools.close();
});
afterEach(() => fleet.simulator.assertNoUnscripted());

const USAGE = { input: 10, output: 7 };
const calling = (...calls: readonly object[]): Behaviour =>
  answer({ text: 'Let me see. ', tools: calls.map((call) => toolCall(call)), usage: USAGE });
const saying = (text: string): Behaviour => answer({ text, usage: { input: 20, output: 5 } });

function toolCall(call: object): { name: string; input: unknown; id: string } {
  return { name: 'bmcp_test_echo', input: { text: 'hi' }, id: 'call_1', ...call };
}

const ECHO = {};
const OWN = { name: 'ls', input: { path: '/' }, id: 'call_own' };

interface Asked {
  readonly res: Response;
  readonly bytes: Buffer;
}

for (const api of TOOL_APIS) {
  for (const mode of api.modes) {
    describe(`${api.title}, ${mode}`, () => {
      suite(api, mode);
    });
  }
}

function suite(api: ToolApi, mode: Mode): void {
  const plain = api.body({ prompt: 'hi', streaming: mode === 'streaming' });

  const ask = async (provider: FleetProvider, body: object = plain): Promise<Asked> => {
    const res = await fetch(`${fleet.bridge.url}/${provider.name}${api.route}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    return { res, bytes: Buffer.from(await res.arrayBuffer()) };
  };
  const script = (provider: FleetProvider, ...keys: readonly (readonly Behaviour[])[]): void => {
    for (const [index, behaviours] of keys.entries()) {
      fleet.simulator.key(provider.keys[index] ?? '').inOrder(...behaviours);
    }
  };
  const keysSeen = (provider: FleetProvider): string[] =>
    fleet.callsOf(provider).map(({ key }) => `k${provider.keys.indexOf(key ?? '')}`);
  const bodies = (provider: FleetProvider): unknown[] =>
    fleet.callsOf(provider).map(({ json }) => json);

  describe('T-F: a tool of the bridge’s', () => {
    const f1 = fleet.provider(api.type);
    test('F1 is run, and the caller gets one answer', async () => {
      script(f1, [calling(ECHO), saying('done')]);
      const { res, bytes } = await ask(f1);
      expect(res.status).toBe(200);
      expect(api.said(bytes, mode)).toEqual({ text: 'Let me see. done', calls: [], output: 12 });
      expect(keysSeen(f1)).toEqual(['k0', 'k0']);
      expect(bodies(f1).map((body) => api.offeredIn(body))).toEqual([OFFERED, OFFERED]);
      expect(bodies(f1).map((body) => api.resultsIn(body))).toEqual([[], [['call_1', 'hi']]]);
      const record = await recordOf(fleet.tables, res);
      expect(record.row).toMatchObject({
        status: 'completed',
        input_tokens: '30',
        output_tokens: '12',
        usage_source: 'provider',
        attempt_count: 2,
        failed_over: false,
        first_byte_ms: expect.any(Number),
      });
      expect(record.attempts).toMatchObject([
        { ordinal: 1, turn: 1, outcome: 'served' },
        { ordinal: 2, turn: 2, outcome: 'served' },
      ]);
      expect(record.usages).toMatchObject([{ output: '7' }, { output: '5' }]);
      expect(record.tools).toMatchObject([
        {
          tool: 'echo',
          tool_call_id: 'call_1',
          input: '{"text":"hi"}',
          server_url: tools.url,
          injected: true,
          error: null,
          duration_ms: expect.any(Number),
          result_bytes: 2,
          message_id: record.usages[0]?.['message_id'],
        },
      ]);
      expect(record.prompts).toMatchObject([{ text: 'hi' }]);
    });

    const f2 = fleet.provider(api.type);
    test('F2 fails over in the second turn', async () => {
      script(f2, [calling(ECHO), rateLimited({ retryAfter: 5 })], [saying('done')]);
      const { res, bytes } = await ask(f2);
      expect(res.status).toBe(200);
      expect(api.said(bytes, mode).text).toBe('Let me see. done');
      expect(keysSeen(f2)).toEqual(['k0', 'k0', 'k1']);
      const { attempts, row } = await recordOf(fleet.tables, res);
      expect(attempts).toMatchObject([
        { turn: 1, outcome: 'served' },
        { turn: 2, outcome: 'rate_limited' },
        { turn: 2, outcome: 'served' },
      ]);
      expect(row).toMatchObject({
        failed_over: true,
        credential_hint: attempts[2]?.['credential_hint'],
      });
    });

    const f3 = fleet.provider(api.type);
    test('F3 ends with an error when no key is left in the second turn', async () => {
      script(f3, [calling(ECHO), rateLimited({ retryAfter: 5 })], [rateLimited({ retryAfter: 3 })]);
      const { res, bytes } = await ask(f3);
      expect(keysSeen(f3)).toEqual(['k0', 'k0', 'k1']);
      expect(bytes.toString()).toContain('all configured keys are rate-limited');
      expect([res.status, res.headers.get('retry-after')]).toEqual(
        mode === 'blocking' ? [429, '3'] : [200, null],
      );
      expect(bytes.toString()).toMatch(mode === 'blocking' ? /^\{/ : (api.inBandError ?? /never/));
      const { row, usages } = await recordOf(fleet.tables, res);
      expect(row).toMatchObject({
        status: 'failed',
        error_type: 'keys_rate_limited',
        output_tokens: '7',
        usage_source: 'partial',
      });
      expect(usages).toHaveLength(1);
    });
  });

  const parallel = fleet.provider(api.type);
  test('several calls of one turn are answered together', async () => {
    const calls = ['a', 'b', 'c'].map((text) => ({ id: `call_${text}`, input: { text } }));
    script(parallel, [calling(...calls), saying('done')]);
    const { res, bytes } = await ask(parallel);
    expect(api.said(bytes, mode)).toMatchObject({ text: 'Let me see. done', calls: [] });
    expect(bodies(parallel).map((body) => api.resultsIn(body))[1]).toEqual([
      ['call_a', 'a'],
      ['call_b', 'b'],
      ['call_c', 'c'],
    ]);
    const { tools: recorded } = await recordOf(fleet.tables, res);
    expect(recorded.map(({ tool_call_id: id }) => id)).toEqual(['call_a', 'call_b', 'call_c']);
  });

  const own = fleet.provider(api.type);
  test('tools of the caller’s are left to the caller', async () => {
    script(own, [calling(OWN)]);
    const { res, bytes } = await ask(own, api.withOwnTool(plain));
    expect(api.said(bytes, mode)).toEqual({ text: 'Let me see. ', calls: ['ls'], output: 7 });
    const [call] = fleet.callsOf(own);
    expect(bytes.equals(call?.sent.bytes ?? Buffer.alloc(0))).toBe(true);
    const { tools: recorded } = await recordOf(fleet.tables, res);
    expect(recorded).toMatchObject([{ tool: 'ls', injected: false, duration_ms: null }]);
  });

  const mixed = fleet.provider(api.type);
  test('of a turn that calls both, the caller gets its own', async () => {
    script(mixed, [calling(ECHO, OWN)]);
    const { res, bytes } = await ask(mixed, api.withOwnTool(plain));
    expect(api.said(bytes, mode)).toEqual({ text: 'Let me see. ', calls: ['ls'], output: 7 });
    // The Responses API repeats which tools it was offered; of the call nothing is to be seen.
    expect(bytes.includes('call_1')).toBe(false);
    const { row, tools: recorded } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'completed', attempt_count: 1 });
    expect(recorded.map(({ tool, injected, error }) => [tool, injected, error])).toEqual([
      ['echo', true, null],
      ['ls', false, null],
    ]);
  });

  describe('an answer that goes wrong in a later turn', () => {
    const refused = fleet.provider(api.type);
    test('is the provider’s error', async () => {
      script(refused, [calling(ECHO), serverError()]);
      const { res, bytes } = await ask(refused);
      expect(res.status).toBe(mode === 'blocking' ? 500 : 200);
      expect(bytes.toString()).toMatch(/error/);
      const { row, attempts } = await recordOf(fleet.tables, res);
      expect(row).toMatchObject({ status: 'failed', upstream_status: 500 });
      expect(attempts.map(({ outcome }) => outcome)).toEqual(['served', 'relayed_error']);
    });
  });

  describe.runIf(mode === 'streaming')('a stream', () => {
    streamSuite(api, { ask, script });
  });

  describe('a tool that', () => {
    const failing = fleet.provider(api.type);
    test('says that it failed is told so to the model and the record', async () => {
      script(failing, [
        calling({ name: 'bmcp_test_failing', input: { text: 'no' } }),
        saying('ok'),
      ]);
      const { res, bytes } = await ask(failing);
      expect(api.said(bytes, mode).text).toBe('Let me see. ok');
      expect(bodies(failing).map((body) => api.resultsIn(body))[1]).toEqual([['call_1', 'no']]);
      const { tools: recorded } = await recordOf(fleet.tables, res);
      expect(recorded).toMatchObject([{ tool: 'failing', injected: true, error: 'no' }]);
    });

    const gone = fleet.provider(api.type);
    test('disappears gives an error, and the answer ends well', async () => {
      script(gone, [calling({ name: 'bmcp_test_disappears', input: {} }), saying('ok')]);
      const { res, bytes } = await ask(gone);
      expect(api.said(bytes, mode).text).toBe('Let me see. ok');
      const { row, tools: recorded } = await recordOf(fleet.tables, res);
      expect(row).toMatchObject({ status: 'completed' });
      expect(recorded).toMatchObject([{ tool: 'disappears', error: expect.any(String) }]);
    });

    const endless = fleet.provider(api.type);
    test('is called turn after turn is not in the end', async () => {
      const again = calling(ECHO);
      script(endless, [again, again, again, again, saying('enough')]);
      const { res, bytes } = await ask(endless);
      expect(api.said(bytes, mode).text).toBe(`${'Let me see. '.repeat(4)}enough`);
      const { row, tools: recorded } = await recordOf(fleet.tables, res);
      expect(row['notes']).toContain('the limit of turns with tools was reached');
      expect(recorded.map(({ error }) => error)).toEqual([null, null, null, 'not run']);
    });
  });

  describe('a caller that', () => {
    const forbids = fleet.provider(api.type);
    test('forbids tools gets none', async () => {
      script(forbids, [saying('ok')]);
      const body = api.withoutTools(api.withOwnTool(plain));
      await ask(forbids, body);
      expect(fleet.callsOf(forbids)[0]?.body.toString()).toBe(JSON.stringify(body));
    });

    const same = fleet.provider(api.type);
    test('asks ten times the same has the same asked ten times', async () => {
      script(
        same,
        Array.from({ length: 10 }, () => saying('ok')),
      );
      for (let index = 0; index < 10; index += 1) await ask(same, api.withOwnTool(plain));
      const sent = fleet.callsOf(same).map(({ body }) => body.toString());
      expect(sent).toHaveLength(10);
      expect(new Set(sent).size).toBe(1);
    });

    const leaves = fleet.provider(api.type);
    test('leaves while a tool runs has it cancelled', async () => {
      script(leaves, [calling({ name: 'bmcp_test_slow', input: {} })]);
      const leaving = new AbortController();
      const asked = fetch(`${fleet.bridge.url}/${leaves.name}${api.route}`, {
        method: 'POST',
        body: JSON.stringify(plain),
        signal: leaving.signal,
      }).then((res) => res.text());
      const seen = tools.calls.length;
      const call = await tools.waitForCall(
        (each) => each.tool === 'slow' && tools.calls.indexOf(each) >= seen,
      );
      leaving.abort();
      await expect(asked).rejects.toThrow('aborted');
      await call.cancelled;
      const row = await until('the record', async () => {
        const [found] = await fleet.tables.rows(
          `SELECT * FROM interceptions WHERE provider_name = $1 AND status <> 'in_progress'`,
          [leaves.name],
        );
        return found;
      });
      expect(row).toMatchObject({ status: 'aborted', output_tokens: '7' });
      const recorded = await fleet.tables.children('tool_usages', String(row['id']));
      expect(recorded).toMatchObject([{ tool: 'slow', error: expect.stringContaining('stopped') }]);
    });
  });
}

interface Asking {
  readonly ask: (provider: FleetProvider) => Promise<Asked>;
  readonly script: (provider: FleetProvider, ...keys: readonly (readonly Behaviour[])[]) => void;
}

function streamSuite(api: ToolApi, { ask, script }: Asking): void {
  const crumbled = fleet.provider(api.type);
  test('in which no tool is called is left as it came, line ends cut in half included', async () => {
    script(crumbled, [combine(saying('done'), crlf(), splitEvery(1))]);
    const { bytes } = await ask(crumbled);
    const [call] = fleet.callsOf(crumbled);
    expect(bytes.toString()).toBe(call?.sent.bytes.toString());
  });

  const broken = fleet.provider(api.type);
  test('that has been there to its last event is whole, whatever becomes of its connection', async () => {
    const breaking = cut({ afterBytes: Infinity, clean: false, reset: true });
    script(broken, [combine(calling(ECHO), breaking), combine(saying('done'), breaking)]);
    const { res, bytes } = await ask(broken);
    expect(api.said(bytes, 'streaming')).toMatchObject({ text: 'Let me see. done', output: 12 });
    const { row, attempts } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'completed' });
    expect(attempts).toMatchObject([{ outcome: 'served' }, { outcome: 'served' }]);
  });
}

const OFFERED = STANDARD_TOOLS.map(({ name }) => `bmcp_test_${name}`).toSorted();
