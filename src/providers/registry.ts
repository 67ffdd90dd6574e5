import { ANTHROPIC } from './anthropic/index.ts';
import { BEDROCK } from './bedrock/index.ts';
import { COPILOT } from './copilot/index.ts';
import { OPENAI } from './openai/index.ts';
import type { Provider } from './provider.ts';

/** Every type of provider there is. Without configuration the bridge serves one of each that callers bring keys for. */
export const PROVIDERS: readonly Provider[] = [ANTHROPIC, OPENAI, COPILOT, BEDROCK];

export function providerOfType(type: string): Provider | undefined {
  return PROVIDERS.find((provider) => provider.type === type);
}

export { AwsKey } from './bedrock/aws-key.ts';
export { BEDROCK_RULES, extendedRules } from './bedrock/rules.ts';
export { regionalBaseUrl, regionIn } from './bedrock/settings.ts';
