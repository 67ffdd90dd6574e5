import { describe, expect, it } from 'vitest';
import { toolResultOf } from './tool-result.ts';

const MAX = 1_000;
const read = (answer: unknown) => toolResultOf(answer, MAX);

describe('the content of a result', () => {
  it.each<[string, object, object]>([
    ['a text', { type: 'text', text: 'hi' }, { type: 'text', text: 'hi' }],
    ['an empty text', { type: 'text', text: '' }, { type: 'text', text: '' }],
    [
      'an image',
      { type: 'image', data: 'AAAA', mimeType: 'image/png' },
      { type: 'image', base64: 'AAAA', mimeType: 'image/png' },
    ],
    [
      'a resource of text',
      { type: 'resource', resource: { uri: 'file:///a', mimeType: 'text/plain', text: 'hi' } },
      { type: 'text', text: 'Text resource (MIME: text/plain, URI: file:///a): hi' },
    ],
    [
      'a resource of text without a type',
      { type: 'resource', resource: { uri: 'file:///a', text: 'hi' } },
      { type: 'text', text: 'Text resource (MIME: none, URI: file:///a): hi' },
    ],
  ])('has %s', (_, part, shown) => {
    expect(read({ content: [part] }).content).toEqual([shown]);
  });

  it.each<[unknown, string]>([
    [{ type: 'resource', resource: { uri: 'file:///a', blob: 'AAAA' } }, 'a binary resource'],
    [{ type: 'audio', data: 'AAAA', mimeType: 'audio/wav' }, 'audio, MIME: audio/wav'],
    [{ type: 'resource_link', uri: 'file:///a', name: 'a' }, 'a link to the resource file:///a'],
    [{ type: 'hologram' }, 'the unknown kind hologram'],
    [{ type: 'text' }, 'the unknown kind text'],
    [
      { type: 'image', data: 'AAAA', mimeType: 'text/html' },
      'an image without data of a known type',
    ],
    [null, 'the unknown kind none'],
    ['hi', 'the unknown kind none'],
  ])('names what it cannot show: %j', (part, words) => {
    const { content } = read({ content: [part] });
    expect(content).toEqual([{ type: 'text', text: expect.stringMatching(/cannot be shown\)$/) }]);
    expect(content).toMatchObject([{ text: expect.stringContaining(words) }]);
  });

  it.each([{}, { content: [] }, { content: 'hi' }])('is never empty: %j', (answer) => {
    expect(read(answer)).toMatchObject({
      content: [{ type: 'text', text: '(no content)' }],
      isError: false,
      error: null,
    });
  });

  it('is beside what is structured', () => {
    expect(read({ content: [], structuredContent: { a: 1 } }).structured).toEqual({ a: 1 });
    expect(read({ content: [] }).structured).toBeUndefined();
  });
});

describe('a result', () => {
  it('that is an error says so, in not too many words', () => {
    const text = 'x'.repeat(600);
    expect(read({ isError: true, content: [{ type: 'text', text }] })).toMatchObject({
      content: [{ text }],
      isError: true,
      error: text.slice(0, 500),
    });
  });

  it('is as large as its content', () => {
    const content = [
      { type: 'text', text: 'ä' },
      { type: 'image', data: 'AAAA', mimeType: 'image/png' },
    ];
    expect(read({ content }).bytes).toBe(6);
  });

  // A silently cut result would be taken for the whole.
  it.each([
    { content: [{ type: 'text', text: 'x'.repeat(1_001) }] },
    { content: ['x', 'y'].map((each) => ({ type: 'text', text: each.repeat(501) })) },
    { content: [{ type: 'image', mimeType: 'image/png', data: 'x'.repeat(1_001) }] },
    { content: [], structuredContent: { a: 'x'.repeat(1_001) } },
  ])('that is too large is an error and nothing else', (answer) => {
    const result = read(answer);
    expect(result).toMatchObject({ isError: true, structured: undefined });
    expect(result.content).toEqual([
      { type: 'text', text: expect.stringContaining('larger than 1000 bytes') },
    ]);
  });

  it('in the depths is an error', () => {
    let deep: object = {};
    for (let depth = 0; depth < 50_000; depth += 1) deep = { deep };
    expect(read({ content: [], structuredContent: deep })).toMatchObject({ isError: true });
  });

  it.each([undefined, null, 'text', 1, []])('that is none is an error: %j', (answer) => {
    expect(read(answer)).toMatchObject({ isError: true, structured: undefined });
  });
});

it('is what a server has structured where it says nothing else', () => {
  const result = read({ content: [], structuredContent: { rows: [1] } });
  expect(result.content).toEqual([{ type: 'text', text: '{"rows":[1]}' }]);
  expect(result.bytes).toBe(12);
});
