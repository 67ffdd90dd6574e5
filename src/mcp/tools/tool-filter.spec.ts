import { describe, expect, it } from 'vitest';
import { SafePattern } from '../../config/index.ts';
import { filterVerdict } from './tool-filter.ts';

const pattern = (source: string | undefined): SafePattern | undefined =>
  source === undefined ? undefined : new SafePattern(source);

describe('the filter of tools', () => {
  const TOOLS = ['tool1', 'tool2', 'tool3'];

  // The table of specification 06 §11.
  it.each<{ allow?: string; deny?: string; tools: string[]; result: string[] }>([
    { tools: TOOLS, result: TOOLS },
    { allow: 'tool[12]', tools: TOOLS, result: ['tool1', 'tool2'] },
    { deny: 'tool2', tools: TOOLS, result: ['tool1', 'tool3'] },
    { allow: 'tool.*', deny: 'tool2', tools: TOOLS, result: ['tool1', 'tool3'] },
    { allow: '.*', deny: '.*', tools: TOOLS, result: [] },
    { allow: '^test$', tools: ['test', 'testing', 'pretest'], result: ['test'] },
    { allow: '^foo', deny: '^bar', tools: ['foo1', 'bar1', 'other1'], result: ['foo1'] },
    { allow: '^tool$', tools: ['Tool', 'tool', 'TOOL'], result: ['tool'] },
    {
      allow: '^prefix_',
      deny: '_suffix$',
      tools: ['prefix_tool', 'tool_suffix', 'prefix_tool_suffix'],
      result: ['prefix_tool'],
    },
    { allow: '工具.*', tools: ['工具1', '工具2', 'tool3'], result: ['工具1', '工具2'] },
  ])('allowing $allow and denying $deny makes $result of $tools', ({ allow, deny, ...row }) => {
    const patterns = { toolAllow: pattern(allow), toolDeny: pattern(deny) };
    const offered = row.tools.filter((tool) => filterVerdict(tool, patterns) === 'offered');
    expect(offered).toEqual(row.result);
  });

  it.each([
    ['a1', 'not_allowed'],
    ['b', 'conflict'],
    ['c', 'denied'],
    ['a', 'offered'],
  ])('says why: %s is %s', (tool, verdict) => {
    const patterns = { toolAllow: pattern('^[ab]$'), toolDeny: pattern('[bc]') };
    expect(filterVerdict(tool, patterns)).toBe(verdict);
  });
});
