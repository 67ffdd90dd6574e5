import { setTimeout as delay } from 'node:timers/promises';
import { answer, type Behaviour, type Call } from '../simulator/index.ts';
import { textResult, type Tool, type ToolCall } from '../simulator/mcp/index.ts';
import { Random } from './random.ts';
import type { TruthApi } from './truth-api.ts';

/** Who is offered the tools: requests that are not to know of them come from somebody else. */
export const TOOL_USERS = 'tool-users';
/** Who may look at the tool servers. */
export const OPERATORS = 'operators';
/** As the bridge knows the server of the tools. */
export const TOOL_SERVER = 'truth';

/** The caller's own tool. */
const OWN_TOOL = 'lookup';
const HIDDEN = 'hidden_';
const PATIENCE_MS = 12;

/** Every result names the call that it is of, so that it is found wherever it goes. */
export const LOOP_TOOLS: readonly Tool[] = [
  { name: 'echo', run: (call) => textResult(resultOf('echo', idOf(call))) },
  {
    name: 'failing',
    run: (call) => ({ ...textResult(resultOf('failing', idOf(call))), isError: true }),
  },
  {
    name: 'patient',
    run: async (call) => {
      await delay(new Random(idOf(call)).between(1, PATIENCE_MS));
      return textResult(resultOf('patient', idOf(call)));
    },
  },
];

export interface PlannedToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: object;
}

/** What the model is to call in each turn but the last. A turn that says something else ends the loop. */
export interface ToolLoopPlan {
  readonly turns: readonly (readonly PlannedToolCall[])[];
  /** The request says that its caller has a tool, too. */
  readonly bringsOwn: boolean;
}

export function planToolLoop(seed: number, index: number): ToolLoopPlan | undefined {
  const random = new Random(seed, 'tools', index);
  if (!random.chance(0.05)) return undefined;
  const turns = Array.from({ length: random.between(1, 2) }, (_, turn) =>
    Array.from({ length: random.between(1, 3) }, (_unused, place): PlannedToolCall => {
      const id = `${HIDDEN}${index}_${turn + 1}_${place}`;
      const tool = random.weighted([
        [5, 'echo'],
        [2, 'failing'],
        [3, 'patient'],
      ]);
      return { id, name: offeredName(tool), input: { call: labelOf(id) } };
    }),
  );
  // A turn that calls tools of both is the caller's.
  if (random.chance(0.2)) {
    const own = { id: `own_${index}`, name: OWN_TOOL, input: { city: 'Bonn' } };
    turns.at(-1)?.splice(random.between(0, 1), 0, own);
  }
  return { turns, bringsOwn: random.chance(0.5) };
}

/** The request with the tool that its caller has. */
export function withOwnTool(body: object, { name: api }: TruthApi): object {
  const schema = { type: 'object', properties: {} };
  const tool = { type: 'function', name: OWN_TOOL, parameters: schema };
  if (api === 'messages') return { ...body, tools: [{ name: OWN_TOOL, input_schema: schema }] };
  if (api === 'responses') return { ...body, tools: [{ ...tool, strict: false }] };
  const described = { type: 'function', function: { name: OWN_TOOL, parameters: schema } };
  return { ...body, tools: [described] };
}

/** What the model says in a turn in which it calls tools. */
export function callingTools(plan: ToolLoopPlan, turn: number, random: Random): Behaviour {
  const usage = {
    input: random.between(1, 5_000),
    output: random.between(1, 900),
    cacheRead: random.between(0, 3_000),
    cacheWrite: random.between(0, 800),
  };
  return answer({
    text: `In turn ${turn} I look. `.repeat(random.between(0, 8)),
    tools: plan.turns[turn - 1] ?? [],
    usage: random.chance(0.05) ? 'none' : usage,
    ...(random.chance(0.2) && { thinking: 'What is there? ' }),
  });
}

/** Which turn a provider is asked for, by the results that it is told. */
export function turnOf({ body }: Pick<Call, 'body'>): number {
  const told = body.toString('latin1').matchAll(/result of \d+_(\d+)_/g);
  return 1 + Math.max(0, ...[...told].map(([, turn]) => Number(turn)));
}

export function isHidden({ id }: { readonly id: string }): boolean {
  return id.startsWith(HIDDEN);
}

export function namesHidden(bytes: Buffer): boolean {
  return bytes.includes(HIDDEN);
}

export function isOffered({ body }: Call): boolean {
  return LOOP_TOOLS.every(({ name }) => body.includes(JSON.stringify(offeredName(name))));
}

/** The text with which a tool of this name answers a call. */
export function resultOf(tool: string, id: string): string {
  return `${tool} says the result of ${labelOf(id)}.`;
}

/** As the server knows it. */
export function toolNamed(offered: string): string {
  return offered.replace(offeredName(''), '');
}

export function idOf({ input }: Pick<ToolCall, 'input'>): string {
  return `${HIDDEN}${String(input['call'])}`;
}

/** What inputs and results say, which models repeat to callers; ids are nobody's business. */
function labelOf(id: string): string {
  return id.replace(HIDDEN, '');
}

function offeredName(tool: string): string {
  return `bmcp_${TOOL_SERVER}_${tool}`;
}
