import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byBytes, offeredName } from './tool-name.ts';

describe('the name of an offered tool', () => {
  it.each([
    ['docs', 'search', 'bmcp_docs_search'],
    ['my-docs', 'get-page_2', 'bmcp_my-docs_get-page_2'],
    ['docs', 'files/read.all', 'bmcp_docs_files_read_all'],
    ['docs', '工具1', 'bmcp_docs___1'],
    ['docs', '😀', 'bmcp_docs__'],
  ])('of %s and %s is %s', (server, tool, name) => {
    expect(offeredName(server, tool)).toBe(name);
  });

  it('is whole at 64 characters and cut beyond, with a hash of the whole', () => {
    const tool = 'x'.repeat(54);
    expect(offeredName('docs', tool)).toBe(`bmcp_docs_${tool}`);
    const [one, other] = [`${tool}yz`, `${tool}yy`].map((each) => offeredName('docs', each));
    expect(one).toMatch(/^bmcp_docs_x{45}_[0-9a-f]{8}$/);
    expect(other).not.toBe(one);
  });

  it('is one that vendors take, whatever the server calls it', () => {
    const points = fc.array(fc.integer({ min: 0, max: 0x10_ff_ff }), { maxLength: 200 });
    const names = points.map((each) => String.fromCodePoint(...each));
    fc.assert(
      fc.property(names, (tool) => {
        expect(offeredName('docs', tool)).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      }),
    );
  });
});

it('sorts by bytes', () => {
  expect(['b', 'a_', 'aB', 'a-', 'ab', 'A'].toSorted(byBytes)).toEqual([
    'A',
    'a-',
    'aB',
    'a_',
    'ab',
    'b',
  ]);
});
