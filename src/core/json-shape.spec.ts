import { describe, expect, test } from 'vitest';
import { misfitIn, type Shape } from './json-shape.ts';

const EVENT: Shape = {
  message: { id: 'string', 'usage?': { 'output?': 'count' } },
  'parts?': [{}],
};

describe('a value is as it has to be', () => {
  test.each<[string, unknown]>([
    ['with all of its members', { message: { id: 'a', usage: { output: 1 } }, parts: [] }],
    ['without those that may be missing', { message: { id: 'a' } }],
    ['when those are null', { message: { id: 'a', usage: null }, parts: null }],
    ['with others that nobody asked for', { message: { id: 'a', x: 1 }, y: {} }],
  ])('%s', (_, value) => {
    expect(misfitIn(value, EVENT)).toBeUndefined();
  });
});

describe('what does not fit is named by its place', () => {
  test.each<[unknown, Shape, string]>([
    ['no object', EVENT, ''],
    [[], EVENT, ''],
    [{}, EVENT, 'message'],
    [{ message: {} }, EVENT, 'message.id'],
    [{ message: { id: 1 } }, EVENT, 'message.id'],
    [{ message: { id: 'a', usage: { output: -1 } } }, EVENT, 'message.usage.output'],
    [{ message: { id: 'a', usage: { output: '7' } } }, EVENT, 'message.usage.output'],
    [{ message: { id: 'a' }, parts: {} }, EVENT, 'parts'],
    [{ message: { id: 'a' }, parts: [{}, 'b'] }, EVENT, 'parts'],
    [{ a: [{ b: 1 }] }, { a: [{ 'b?': 'string' }] }, 'a.b'],
    [null, 'object', ''],
  ])('%j', (value, shape, place) => {
    expect(misfitIn(value, shape)).toBe(place);
  });
});
