import { z } from 'zod';
import { parseJson } from '../../core/json.ts';
import { BEDROCK_RULES, extendedRules, type BedrockRules } from '../../providers/index.ts';

const models = z.array(z.string().min(1));

/** Every part may be left out; a part that nobody knows is most likely a slip. */
const RULES = z.strictObject({
  betas: z.record(z.string(), models).optional(),
  fields: z.record(z.string(), models).optional(),
  fieldsOfBeta: z.record(z.string(), z.string()).optional(),
  adaptiveThinking: models.optional(),
  structuredOutput: models.optional(),
});

export type RulesFile =
  | { readonly kind: 'ok'; readonly rules: BedrockRules }
  | { readonly kind: 'invalid'; readonly problem: string };

/** The bridge's rules with those of an operator's file on top. */
export function parseBedrockRules(text: string): RulesFile {
  const value = parseJson(text);
  if (value === undefined) return { kind: 'invalid', problem: 'got a file that is no JSON' };
  const parsed = RULES.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue?.path.join('.') || 'the whole of it';
    return { kind: 'invalid', problem: `got a mistake in ${place}: ${issue?.message}` };
  }
  const given = Object.entries(parsed.data).filter(([, rule]) => rule !== undefined);
  return { kind: 'ok', rules: extendedRules(BEDROCK_RULES, Object.fromEntries(given)) };
}
