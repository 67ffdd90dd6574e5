import { ANTHROPIC } from './anthropic/index.ts';
import { COPILOT } from './copilot/index.ts';
import { OPENAI } from './openai/index.ts';
import type { Provider } from './provider.ts';

/** Every type of provider there is. Without configuration the bridge serves one of each. */
export const PROVIDERS: readonly Provider[] = [ANTHROPIC, OPENAI, COPILOT];

export function providerOfType(type: string): Provider | undefined {
  return PROVIDERS.find((provider) => provider.type === type);
}
