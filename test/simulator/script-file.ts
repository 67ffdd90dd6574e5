import { readFileSync } from 'node:fs';

import { z } from 'zod';

import { answer } from './behaviours/answer.ts';
import { combine, compressed, type Behaviour } from './behaviours/behaviour.ts';
import {
  cut,
  neverAnswers,
  paced,
  resetBeforeHeaders,
  slowFirstToken,
  slowHeaders,
  splitEvery,
  stall,
} from './behaviours/delivery.ts';
import {
  commentFrames,
  crlf,
  errorFirst,
  errorMidStream,
  malformedFrame,
  missingTerminal,
  unknownEvents,
} from './behaviours/frame-edit.ts';
import {
  badRequest,
  creditExhausted,
  forbidden,
  overloaded,
  rateLimited,
  serverError,
  unauthorized,
} from './behaviours/problem.ts';
import type { Call } from './call.ts';

const count = z.int().min(0).exactOptional();
const ms = z.number().min(0);
const text = z.string().exactOptional();
const none = z.literal(true);
const words = { type: text, code: z.string().nullable().exactOptional(), message: text };
const status = z.int().min(200).max(599).exactOptional();
const inStream = z.strictObject({
  ...words,
  kind: z.enum(['rate_limited', 'server_error', 'overloaded', 'unauthorized', 'credit_exhausted']),
  shape: z.enum(['flat', 'nested', 'failed']).exactOptional(),
  afterEvents: count,
});

/** The faults that a file can ask for, by the names that they have in code. */
const FAULTS = {
  badRequest: z.strictObject({ ...words, status }).transform(badRequest),
  commentFrames: z.string().transform(commentFrames),
  compressed: z.enum(['gzip', 'br', 'zstd']).transform(compressed),
  creditExhausted: z.strictObject({ ...words, status }).transform(creditExhausted),
  crlf: none.transform(crlf),
  cut: z
    .strictObject({
      afterBytes: count,
      afterEvents: count,
      clean: z.boolean(),
      reset: z.boolean().exactOptional(),
    })
    .transform(cut),
  errorFirst: inStream.transform(({ kind, ...rest }) => errorFirst(kind, rest)),
  errorMidStream: inStream.transform(({ kind, ...rest }) => errorMidStream(kind, rest)),
  forbidden: z
    .strictObject({ ...words, about: z.enum(['key', 'model']).exactOptional() })
    .transform(forbidden),
  malformedFrame: z.strictObject({ atEvent: count }).transform(malformedFrame),
  missingTerminal: none.transform(missingTerminal),
  neverAnswers: none.transform(neverAnswers),
  overloaded: z.strictObject({ ...words, status }).transform(overloaded),
  paced: ms.transform(paced),
  rateLimited: z
    .strictObject({
      ...words,
      retryAfter: z.union([z.number(), z.string()]).exactOptional(),
      retryAfterMs: z.union([z.number(), z.string()]).exactOptional(),
    })
    .transform(rateLimited),
  resetBeforeHeaders: none.transform(resetBeforeHeaders),
  serverError: z
    .int()
    .min(500)
    .max(599)
    .transform((code) => serverError(code)),
  slowFirstToken: ms.transform(slowFirstToken),
  slowHeaders: ms.transform(slowHeaders),
  splitEvery: z.int().min(1).transform(splitEvery),
  stall: z.strictObject({ afterEvents: count, forMs: ms.exactOptional() }).transform(stall),
  unauthorized: z.strictObject(words).transform(unauthorized),
  unknownEvents: none.transform(unknownEvents),
};

const toolSchema = z.strictObject({
  name: z.string(),
  input: z.unknown(),
  id: text,
  isCustom: z.boolean().exactOptional(),
});

const tokensSchema = z.strictObject({
  input: count,
  output: count,
  cacheRead: count,
  cacheWrite: count,
  reasoning: count,
});

const answerSchema = z
  .strictObject({
    text,
    thinking: text,
    redactedThinking: text,
    commentary: text,
    tools: z.array(toolSchema).exactOptional(),
    usage: z.union([z.literal('none'), tokensSchema]).exactOptional(),
    messageId: text,
    model: text,
    chunks: z.int().min(1).exactOptional(),
    finish: z.enum(['stop', 'length', 'refusal', 'failed']).exactOptional(),
    faults: z.array(z.strictObject(FAULTS).partial()).exactOptional(),
  })
  .transform(({ faults = [], ...said }): Behaviour => {
    const asked = faults
      .flatMap((fault) => Object.values(fault))
      .filter((one) => one !== undefined);
    return asked.length === 0 ? answer(said) : combine(answer(said), ...asked);
  });

const pattern = z.string().transform((source, context) => {
  try {
    return new RegExp(source, 's');
  } catch {
    context.addIssue(`no regular expression: ${source}`);
    return z.NEVER;
  }
});

const ruleSchema = z.strictObject({
  /** All of these have to fit; without any the rule is for every call. */
  when: z
    .strictObject({
      route: text,
      model: pattern.exactOptional(),
      key: pattern.exactOptional(),
      body: pattern.exactOptional(),
    })
    .default({}),
  /** One for each call. What follows the last is the last again, or with `repeat` the first. */
  answers: z.array(answerSchema).min(1),
  repeat: z.boolean().default(false),
});

const fileSchema = z.strictObject({ rules: z.array(ruleSchema).min(1) });

type Rule = z.infer<typeof ruleSchema>;

/** Who answers what, in the order of the calls, as a file says it; null where it says nothing. */
export type FileScript = (call: Call) => Behaviour | null;

/** Throws with every mistake of the file in words. */
export function readScriptFile(path: string): FileScript {
  return scriptOf(readFileSync(path, 'utf8'), path);
}

export function scriptOf(json: string, name = 'the script'): FileScript {
  const { data, error } = fileSchema.safeParse(jsonOf(json, name));
  if (error !== undefined) throw new Error(`${name}:\n${z.prettifyError(error)}`);
  const given = new Map<Rule, number>();
  return (call) => {
    const rule = data.rules.find((candidate) => fits(candidate, call));
    if (rule === undefined) return null;
    const turn = given.get(rule) ?? 0;
    given.set(rule, turn + 1);
    const last = rule.answers.length - 1;
    return rule.answers[rule.repeat ? turn % (last + 1) : Math.min(turn, last)] ?? null;
  };
}

function fits({ when: { route, model, key, body } }: Rule, call: Call): boolean {
  return (
    (route === undefined || route === call.route.name) &&
    (model === undefined || model.test(call.model ?? '')) &&
    (key === undefined || key.test(call.key ?? '')) &&
    (body === undefined || body.test(call.body.toString('utf8')))
  );
}

function jsonOf(json: string, name: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new Error(`${name} is no JSON: ${String(error)}`, { cause: error });
  }
}
