import type { BedrockRules } from '../bedrock-config.ts';

const EVERY_MODEL = '*';
const ALL = [EVERY_MODEL];
const NONE: readonly string[] = [];

/** P-45 to P-47. Structured output: the models of AWS's user guide. */
export const BEDROCK_RULES: BedrockRules = {
  betas: {
    'computer-use-2025-01-24': ALL,
    'token-efficient-tools-2025-02-19': ALL,
    'interleaved-thinking-2025-05-14': ALL,
    'output-128k-2025-02-19': ALL,
    'dev-full-thinking-2025-05-14': ALL,
    'context-1m-2025-08-07': ALL,
    'context-management-2025-06-27': ['anthropic.claude-sonnet-4-5', 'anthropic.claude-haiku-4-5'],
    'effort-2025-11-24': ['anthropic.claude-opus-4-5'],
    'tool-search-tool-2025-10-19': ALL,
    'tool-examples-2025-10-29': ALL,
  },
  fields: { metadata: NONE, service_tier: NONE, container: NONE, inference_geo: NONE },
  fieldsOfBeta: {
    output_config: 'effort-2025-11-24',
    context_management: 'context-management-2025-06-27',
  },
  adaptiveThinking: ['anthropic.claude-opus-4-6', 'anthropic.claude-sonnet-4-6'],
  structuredOutput: [
    'anthropic.claude-haiku-4-5',
    'anthropic.claude-sonnet-4-5',
    'anthropic.claude-opus-4-5',
    'anthropic.claude-opus-4-6',
  ],
};

export function isAmong(model: string, models: readonly string[]): boolean {
  return models.some((part) => part === EVERY_MODEL || model.includes(part));
}

/** Whether a beta goes along, and the name is one of those that the rules know. */
export function takesBeta({ betas }: BedrockRules, beta: string, model: string): boolean {
  return isAmong(model, Object.hasOwn(betas, beta) ? (betas[beta] ?? NONE) : NONE);
}

/** The rules with an operator's on top: of what both name the operator's hold, lists are added to. */
export function extendedRules(rules: BedrockRules, more: Partial<BedrockRules>): BedrockRules {
  return {
    betas: { ...rules.betas, ...more.betas },
    fields: { ...rules.fields, ...more.fields },
    fieldsOfBeta: { ...rules.fieldsOfBeta, ...more.fieldsOfBeta },
    adaptiveThinking: [...rules.adaptiveThinking, ...(more.adaptiveThinking ?? NONE)],
    structuredOutput: [...rules.structuredOutput, ...(more.structuredOutput ?? NONE)],
  };
}
