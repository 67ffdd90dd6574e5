import { ANTHROPIC } from './anthropic.ts';
import { COPILOT } from './copilot.ts';
import { OPENAI } from './openai.ts';
import type { Provider } from './provider.ts';

export const PROVIDERS: readonly Provider[] = [ANTHROPIC, OPENAI, COPILOT];

export function providerOfType(type: string): Provider | undefined {
  return PROVIDERS.find((provider) => provider.type === type);
}
