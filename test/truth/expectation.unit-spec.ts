import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  answer,
  combine,
  cut,
  malformedFrame,
  missingTerminal,
  startSimulator,
  type Behaviour,
  type Call,
  type Simulator,
} from '../simulator/index.ts';
import { expectationsOf, untilSilences, type Expectation, type SeenCall } from './expectation.ts';
import { HABITS, type Habits } from './habits.ts';
import { TRUTH_APIS, type TruthApi } from './truth-api.ts';

const ALL: Habits = new Set(HABITS);
const NONE: Habits = new Set();

describe('what a stream must have led to', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator();
  });
  afterAll(() => simulator.close());

  const callWith = async (api: TruthApi, behaviour: Behaviour): Promise<Call> => {
    simulator.clear();
    simulator.onAnyKey(behaviour);
    const res = await fetch(`${simulator.url}${api.route}`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-any' },
      body: JSON.stringify(api.body({ prompt: 'hi', streaming: true })),
    });
    // That it broke off may be what is wanted.
    await res.text().catch(() => '');
    const call = await simulator.waitForCall();
    return call.ended;
  };
  const expectedOf = async (
    api: TruthApi,
    behaviour: Behaviour,
    habits: Habits,
  ): Promise<Expectation[]> => {
    const call = await callWith(api, behaviour);
    return expectationsOf(
      { call, api, habits, startedMs: call.receivedAtMs },
      call.sent.bytes.length,
    );
  };

  it.each(['messages', 'chat_completions'])(
    'is complete for %s that lack nothing but the event that says so, with a note',
    async (name) => {
      expect(await expectedOf(apiNamed(name), missingTerminal(), ALL)).toMatchObject([
        { status: 'completed', outcome: 'served', isNoted: true, isPartial: false },
      ]);
      expect(await expectedOf(apiNamed(name), missingTerminal(), NONE)).toMatchObject([
        { status: 'failed', errorType: 'upstream_truncated' },
      ]);
    },
  );

  it.each([
    ['responses without their last event', 'responses', missingTerminal()],
    ['messages without a finish', 'messages', cut({ afterEvents: 3, clean: true })],
    ['chat completions without a finish', 'chat_completions', cut({ afterEvents: 2, clean: true })],
  ])('is cut for %s', async (_, name, behaviour) => {
    expect(await expectedOf(apiNamed(name), behaviour, ALL)).toMatchObject([
      { status: 'failed', errorType: 'upstream_truncated' },
    ]);
  });

  it.each(['messages', 'chat_completions', 'responses'])(
    'is cut for %s that lose the connection before the empty line of their last event',
    async (name) => {
      const whole = await callWith(apiNamed(name), answer());
      const afterBytes = whole.sent.bytes.length - 1;
      expect(await expectedOf(apiNamed(name), answerCutAt(afterBytes, false), NONE)).toMatchObject([
        { status: 'failed', errorType: 'upstream_truncated' },
      ]);
      expect(await expectedOf(apiNamed(name), answerCutAt(afterBytes, true), NONE)).toMatchObject([
        { status: 'completed' },
      ]);
    },
  );

  it('may not have begun, or have, when the connection is lost before the empty line of its first event', async () => {
    const api = apiNamed('responses');
    const whole = await callWith(api, answer());
    const afterBytes = whole.sent.text.indexOf('\n\n') + 1;
    const expected = await expectedOf(api, answerCutAt(afterBytes, false), NONE);
    expect(expected.map(({ isRelayed }) => isRelayed)).toEqual([true, false]);
    const cutLater = await expectedOf(api, answerCutAt(afterBytes + 1, false), NONE);
    expect(cutLater.map(({ isRelayed }) => isRelayed)).toEqual([true]);
  });

  it('may have begun with half of an event that was held back for as long as one is', async () => {
    const api = apiNamed('responses');
    const { behaviour, outcome, sent } = await callWith(api, answerCutAt(20, false));
    const startedMs = sent.chunks[0]?.atMs ?? 0;
    const expectedAfter = (heldMs: number): boolean[] => {
      const call = { behaviour, outcome, sent, endedAtMs: startedMs + heldMs };
      const expected = expectationsOf({ call, api, habits: NONE, startedMs }, 20);
      return expected.map(({ isRelayed }) => isRelayed);
    };
    expect(expectedAfter(900)).toEqual([false]);
    expect(expectedAfter(1_000)).toEqual([true, false]);
  });

  it('may end within an event of which a part has come, when the rest was destroyed', async () => {
    const api = apiNamed('messages');
    const { behaviour, endedAtMs, sent } = await callWith(api, answer());
    const call: SeenCall = { behaviour, endedAtMs, sent, outcome: 'reset' };
    const within = sent.text.indexOf('event: message_delta') + 30;
    const expected = expectationsOf({ call, api, habits: NONE, startedMs: 0 }, within);
    const [whole] = expected;
    expect(whole).toMatchObject({ status: 'completed' });
    expect(expected.map(({ tokens }) => tokens?.output)).toContain(1);
  });

  it.each(['messages', 'chat_completions', 'responses'])(
    'is noted and partial for %s with an event that is no JSON',
    async (name) => {
      const broken = combine(answer({ text: 'All is well.' }), malformedFrame({ atEvent: 3 }));
      expect(await expectedOf(apiNamed(name), broken, ALL)).toMatchObject([
        { status: 'completed', isNoted: true, isPartial: true },
      ]);
    },
  );
});

describe('a silence', () => {
  it('is one of the provider that says nothing for long enough', () => {
    expect(silencesOf([said(10, 11)], 400)).toEqual([]);
    expect(silencesOf([said(10, 11)], 1_600)).toEqual([1]);
  });

  it('is also one of the machine, that stood still before what was said had left', () => {
    expect(silencesOf([said(10, 2_100)], 2_110)).toEqual([0, 1]);
    expect(silencesOf([said(10, 11), said(20, 1_700), said(1_701, null)], 1_710)).toEqual([1, 2]);
  });
});

function apiNamed(name: string): TruthApi {
  return TRUTH_APIS.find((api) => api.name === name) ?? TRUTH_APIS[0];
}

function said(atMs: number, leftAtMs: number | null) {
  return { bytes: Buffer.from('x'), atMs, leftAtMs };
}

/** How many pieces the bridge had heard whenever it may have hung up. */
function silencesOf(chunks: SeenCall['sent']['chunks'], endedAtMs: number): number[] {
  const nothing = { bytes: Buffer.alloc(0), text: '' };
  const sent = { status: 200, headers: {}, headersAtMs: 0, chunks, ...nothing };
  const call: SeenCall = { outcome: 'client_closed', behaviour: '', endedAtMs, sent };
  const made = { call, api: apiNamed('messages'), habits: NONE, startedMs: 0 };
  return untilSilences(made).map(({ sent: heard }) => heard.chunks.length);
}

function answerCutAt(afterBytes: number, isClean: boolean): Behaviour {
  return combine(answer(), cut({ afterBytes, clean: isClean }));
}
