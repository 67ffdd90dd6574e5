import type { SafePattern } from '../../config/index.ts';

export interface ToolPatterns {
  readonly toolAllow: SafePattern | undefined;
  readonly toolDeny: SafePattern | undefined;
}

/** `conflict`: denied although it is allowed as well. */
export type FilterVerdict = 'offered' | 'not_allowed' | 'denied' | 'conflict';

/** Whether a tool is offered, by the name that its server gives it. Deny beats allow. */
export function filterVerdict(name: string, { toolAllow, toolDeny }: ToolPatterns): FilterVerdict {
  const isAllowed = toolAllow?.finds(name);
  if (toolDeny?.finds(name) === true) return isAllowed === true ? 'conflict' : 'denied';
  return isAllowed === false ? 'not_allowed' : 'offered';
}
