import { arrayAt, type JsonObject } from '../../core/json.ts';
import type { BedrockRules } from '../bedrock-config.ts';
import { takesBeta } from './rules.ts';

/** Callers name betas: so many are looked at, and so much of a name is recorded. */
const BETAS_MAX = 64;
const NAME_LENGTH_MAX = 100;

export interface KeptBetas {
  /** In the order in which they were asked for, each once. */
  readonly kept: readonly string[];
  readonly notes: readonly string[];
}

/** P-46: of what the caller asks for, in its headers or in Bedrock's own field, what Bedrock knows. */
export function keptBetas(asked: {
  readonly parsed: JsonObject;
  readonly betaLines: readonly string[];
  readonly model: string;
  readonly rules: BedrockRules;
}): KeptBetas {
  const { parsed, betaLines, model, rules } = asked;
  const inBody = arrayAt(parsed, 'anthropic_beta').filter((beta) => typeof beta === 'string');
  const names = [...betaLines.flatMap((line) => line.split(',')), ...inBody]
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const betas = [...new Set(names)];
  const looked = betas.slice(0, BETAS_MAX);
  const [kept, dropped] = [true, false].map((isKept) =>
    looked.filter((beta) => takesBeta(rules, beta, model) === isKept),
  );
  const notes = (dropped ?? []).map(
    (beta) => `Bedrock was not sent the beta ${beta.slice(0, NAME_LENGTH_MAX)}`,
  );
  const more = betas.length - looked.length;
  if (more > 0) notes.push(`Bedrock was not sent ${more} more betas`);
  return { kept: kept ?? [], notes };
}
