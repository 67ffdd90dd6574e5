import { memberBytes, withMembers } from '../../core/json-edit.ts';
import { objectAt, type JsonObject } from '../../core/json.ts';
import type { BedrockRules } from '../bedrock-config.ts';
import { keptBetas } from './betas.ts';
import { isAmong } from './rules.ts';
import { budgetedThinking } from './thinking.ts';

/** What Bedrock's version of the API is called; a caller may name another one. */
const VERSION = 'bedrock-2023-05-31';
const STRUCTURED = 'format';

export interface BedrockBody {
  readonly json: Buffer;
  readonly notes: readonly string[];
}

export interface AskedBody {
  readonly json: Buffer;
  readonly parsed: JsonObject;
  /** Every `anthropic-beta` line as it was sent. */
  readonly betaLines: readonly string[];
  /** As Bedrock names it. */
  readonly model: string;
  readonly rules: BedrockRules;
}

/**
 * A request to Anthropic's API as Bedrock wants it (P-43, P-45 to P-47): only what is named in the
 * rules is touched, in place. Undefined when what would have to go is the shape of the answer.
 */
export function bedrockBody(asked: AskedBody): BedrockBody | undefined {
  const { json, parsed, model, rules } = asked;
  const betas = keptBetas(asked);
  const edits = new Map<string, Buffer | undefined>([
    ['model', undefined],
    ['stream', undefined],
  ]);
  const notes = [...betas.notes];
  // Effort is read here, before it may go below.
  const thinking = budgetedThinking(parsed, isAmong(model, rules.adaptiveThinking));
  notes.push(...thinking.notes);
  if (thinking.value !== undefined) edits.set('thinking', textOf(thinking.value));
  for (const field of droppedFields(asked, betas.kept)) {
    edits.set(field, undefined);
    notes.push(`Bedrock was not sent the field ${field}`);
  }
  const output = outputConfig(asked, edits.has('output_config'));
  if (output === 'refused') return undefined;
  if (output !== undefined) edits.set('output_config', output);
  if (!Object.hasOwn(parsed, 'anthropic_version')) edits.set('anthropic_version', textOf(VERSION));
  edits.set('anthropic_beta', betas.kept.length === 0 ? undefined : textOf(betas.kept));
  return { json: withMembers(json, edits), notes };
}

function droppedFields(
  { parsed, model, rules }: AskedBody,
  betas: readonly string[],
): readonly string[] {
  const byModel = Object.entries(rules.fields).filter(([, models]) => !isAmong(model, models));
  const byBeta = Object.entries(rules.fieldsOfBeta).filter(([, beta]) => !betas.includes(beta));
  const names = [...byModel, ...byBeta].map(([name]) => name);
  return names.filter((name) => Object.hasOwn(parsed, name));
}

/**
 * The shape that the answer is to have stands in the same object as the effort that most models do
 * not know. It stays when the rest goes; where the model would not hold to it, the caller is told.
 */
function outputConfig(
  { json, parsed, model, rules }: AskedBody,
  isDropped: boolean,
): Buffer | 'refused' | undefined {
  const given = objectAt(parsed, 'output_config');
  const format = given?.[STRUCTURED] ?? undefined;
  if (format === undefined) return undefined;
  if (!isAmong(model, rules.structuredOutput)) return 'refused';
  if (!isDropped) return undefined;
  const bytes = memberBytes(json, 'output_config');
  const value = bytes && memberBytes(bytes, STRUCTURED);
  return value && withMembers(Buffer.from('{}'), new Map([[STRUCTURED, value]]));
}

function textOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
