import { expect, test } from 'vitest';
import { PoolModel, type KeyMark, type KeyUse, type Look } from './pool-model.ts';

type Life = KeyMark['life'];

const lifeOf = (url: string, sharesKeys = true): Life => ({
  url,
  killedAtMs: Infinity,
  sharesKeys: () => sharesKeys,
});
const HERE = lifeOf('here');
const THERE = lifeOf('there');

const mark = (fields: Partial<KeyMark>): KeyMark => ({
  key: 0,
  model: null,
  life: HERE,
  name: 'a request',
  earliestMs: 1_000,
  latestMs: 1_050,
  cooldownMs: 500,
  isGuess: false,
  isCertain: true,
  ...fields,
});
const look = (fromMs: number, untilMs = fromMs, life: Life = HERE): Look => ({
  life,
  model: 'a-model',
  fromMs,
  untilMs,
});

test('a key is sidelined beyond doubt only while it is so for all that may be true of its times', () => {
  const pool = new PoolModel(1, { marks: [mark({})] });
  expect(pool.sidelining(0, look(1_040))).toBeUndefined();
  expect(pool.sidelining(0, look(1_110, 1_400))).toMatchObject({ name: 'a request' });
  expect(pool.sidelining(0, look(1_110, 1_510))).toBeUndefined();
});

test('a key may be sidelined as long as that is so for anything that may be true', () => {
  const pool = new PoolModel(1, { marks: [mark({})] });
  expect(pool.mayBeSidelined(0, look(900, 940))).toBe(false);
  expect(pool.mayBeSidelined(0, look(900, 1_010))).toBe(true);
  expect(pool.mayBeSidelined(0, look(1_545))).toBe(true);
  expect(pool.mayBeSidelined(0, look(1_610))).toBe(false);
});

test('another bridge must know a mark in time, unless its maker died, one was cut off or the database held up', () => {
  const forGood = { cooldownMs: null, life: THERE };
  const late = look(9_000);
  expect(new PoolModel(1, { marks: [mark(forGood)] }).sidelining(0, look(2_000))).toBeUndefined();
  expect(new PoolModel(1, { marks: [mark(forGood)] }).sidelining(0, late)).toBeDefined();
  const dead = { ...lifeOf('dead'), killedAtMs: 1_100 };
  expect(
    new PoolModel(1, { marks: [mark({ ...forGood, life: dead })] }).sidelining(0, late),
  ).toBeUndefined();
  const cutOff = lifeOf('cut off', false);
  expect(
    new PoolModel(1, { marks: [mark({ ...forGood, life: cutOff })] }).sidelining(0, late),
  ).toBeUndefined();
  expect(
    new PoolModel(1, { marks: [mark(forGood)] }).sidelining(0, look(9_000, 9_000, cutOff)),
  ).toBeUndefined();
  const heldUp = new PoolModel(1, { marks: [mark(forGood)] }, () => 5_000);
  expect(heldUp.sidelining(0, late)).toBeUndefined();
  expect(heldUp.sidelining(0, look(11_000))).toBeDefined();
});

test('callers are sent back for as long as the soonest key may take, and for no other time', () => {
  const second = mark({ key: 1, cooldownMs: 3_000 });
  expect(new PoolModel(2, { marks: [mark({}), second] }).exhaustions(look(1_110, 1_120))).toEqual([
    { status: 429, retryAfter: '1' },
  ]);
  expect(new PoolModel(2, { marks: [mark({}), second] }).exhaustions(look(1_110, 1_600))).toEqual([
    { status: 429, retryAfter: null },
    { status: 429, retryAfter: '1' },
  ]);
  const rejected = [0, 1].map((key) => mark({ key, cooldownMs: null }));
  expect(new PoolModel(2, { marks: rejected }).exhaustions(look(1_110))).toEqual([
    { status: 502, retryAfter: null },
  ]);
});

const GUESS = mark({ cooldownMs: 8_000, isGuess: true });
const aUse = (fields: Partial<KeyUse>): KeyUse => ({
  key: 0,
  life: HERE,
  startedMs: 6_400,
  endedMs: 6_500,
  servedMs: 6_450,
  ...fields,
});

test('a call may find out about a guess after five seconds, and about nothing else', () => {
  const pool = new PoolModel(2, { marks: [GUESS, mark({ key: 1, cooldownMs: 8_000 })] });
  expect(pool.mayTry(0, look(5_700))).toBe(false);
  expect(pool.mayTry(0, look(5_800))).toBe(true);
  expect(pool.mayTry(1, look(5_800))).toBe(false);
});

test('a call must find out when nothing but guesses sidelines the keys, and no other does', () => {
  const asked = look(6_600);
  expect(new PoolModel(1, { marks: [GUESS] }).mustTry(asked)).toBe(true);
  expect(new PoolModel(1, { marks: [GUESS] }).mustTry(look(6_200))).toBe(false);
  expect(new PoolModel(2, { marks: [GUESS] }).mustTry(asked)).toBe(false);
  const named = mark({ key: 1, cooldownMs: 8_000 });
  expect(new PoolModel(2, { marks: [GUESS, named] }).mustTry(asked)).toBe(false);
  const uses = [aUse({ servedMs: null })];
  expect(new PoolModel(1, { marks: [GUESS], uses }).mustTry(asked)).toBe(false);
  const elsewhere = [aUse({ servedMs: null, life: THERE })];
  expect(new PoolModel(1, { marks: [GUESS], uses: elsewhere }).mustTry(asked)).toBe(true);
});

test('a call that has found out makes its key valid for everything', () => {
  const limited = mark({ cooldownMs: 9_000, model: 'a-model' });
  const marks = [GUESS, limited];
  expect(new PoolModel(1, { marks }).sidelining(0, look(6_600))).toBeDefined();
  const served = new PoolModel(1, { marks, uses: [aUse({})] });
  expect(served.sidelining(0, look(6_600))).toBeUndefined();
  const early = [aUse({ startedMs: 2_000, endedMs: 2_100, servedMs: 2_050 })];
  expect(new PoolModel(1, { marks, uses: early }).sidelining(0, look(6_600))).toBeDefined();
});

const longMark = (earliestMs: number, life: Life): KeyMark =>
  mark({ life, cooldownMs: 60_000, earliestMs, latestMs: earliestMs });

test('what another bridge marks before it may have heard of that is forgotten as well', () => {
  const uses = [aUse({})];
  const isSidelined = (other: KeyMark): boolean =>
    new PoolModel(1, { marks: [GUESS, other], uses }).sidelining(0, look(20_000)) !== undefined;
  expect(isSidelined(longMark(7_000, THERE))).toBe(false);
  expect(isSidelined(longMark(11_000, THERE))).toBe(true);
  expect(isSidelined(longMark(7_000, HERE))).toBe(true);
});

test('of the keys one is back first, at the latest when all that may sideline it is over', () => {
  const marks = [GUESS, mark({}), mark({ key: 1, cooldownMs: 3_000 })];
  expect(new PoolModel(2, { marks }).latestReturnMs(look(1_200))).toBe(4_100);
});
