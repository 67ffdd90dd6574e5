import { parseObject } from '../../core/json.ts';
import type { OfferedTool, ToolResult, ToolServers, ToolUser } from '../../mcp/index.ts';
import type { Findings, ToolFinding } from '../apis/api.ts';
import type {
  AnsweredCall,
  KeptTurns,
  RequestText,
  ToolCall,
  ToolDialect,
  Weaver,
  WovenTurn,
} from '../apis/tool-dialect.ts';

export interface LoopLimits {
  /** How many turns of one call may use tools. */
  readonly turnsMax: number;
  /** How long the tools of one call may run all together. */
  readonly totalTimeoutMs: number;
  /** How large a request may get by what tools answered. */
  readonly requestBytesMax: number;
}

export interface LoopOptions {
  readonly dialect: ToolDialect;
  readonly tools: readonly OfferedTool[];
  readonly servers: Pick<ToolServers, 'call'>;
  readonly limits: LoopLimits;
  readonly user: ToolUser;
  readonly keep: (turns: KeptTurns) => void;
}

/** `defiant`: the model calls a tool, and was not to. */
export type TurnEnd = 'goes_on' | 'last' | 'defiant';

/** Is told of every run of a tool. */
export interface ToolWitness {
  /** Resolves when it is on record, with what to call when it has ended. */
  toolBegun(call: ToolCall, tool: OfferedTool): Promise<(result: ToolResult) => void>;
  /** Is told what else there is to say. */
  note(text: string): void;
}

/** More calls than this in one turn are not run. */
const CALLS_MAX = 32;

/**
 * The turns of one call that was offered tools: runs what the model calls, and makes the request
 * that tells it of the results. It never fails: the model is told of what went wrong.
 */
export class ToolLoop {
  readonly weaver: Weaver;
  readonly #options: LoopOptions;
  readonly #tools: ReadonlyMap<string, OfferedTool>;
  /** The calls of this turn. */
  readonly #run = new Set<string>();
  readonly #runNames = new Set<string>();
  readonly #hidden: Buffer[] = [];
  #request: RequestText;
  #turnsWithTools = 0;
  #ranMs = 0;
  #isForbidden = false;
  #ending: Buffer = NOTHING;
  #kind: 'stream' | 'body' | undefined;

  constructor(request: RequestText, options: LoopOptions) {
    this.#request = request;
    this.#options = options;
    this.#tools = new Map(options.tools.map((tool) => [tool.name, tool]));
    this.weaver = options.dialect.startWeaving((name) => this.#tools.has(name));
  }

  /** What is asked of the provider in the next turn. */
  get request(): RequestText {
    return this.#request;
  }

  /** What ends the answer for the caller, once its last turn has been finished. */
  get ending(): Buffer {
    return this.#ending;
  }

  /** A turn begins. Answers whether one of this kind can go on from those before it. */
  takes(kind: 'stream' | 'body'): boolean {
    this.#forgetRun();
    this.#kind ??= kind;
    return this.#kind === kind;
  }

  /** The turn has gone wrong: nothing of it is run. */
  giveUp(): void {
    this.#ending = this.weaver.endTurn().ending;
    this.#forgetRun();
  }

  /** Of the bridge's tools the record knows those that were run; the others are said to be not. */
  told(findings: Findings): Findings {
    const tools = findings.tools
      .filter((finding) => !this.#wasRun(finding))
      .map((finding) => {
        const notRun = this.#tools.get(finding.tool);
        return notRun === undefined ? finding : { ...finding, notRun };
      });
    return { ...findings, tools };
  }

  /** A call that the model gives no id gets one on its way to a tool, and is then known by its tool. */
  #wasRun({ toolCallId, tool }: ToolFinding): boolean {
    return toolCallId === null ? this.#runNames.has(tool) : this.#run.has(toolCallId);
  }

  /** Runs what the turn calls. Rejects only when the signal is aborted. */
  async finishTurn(witness: ToolWitness, signal: AbortSignal): Promise<TurnEnd> {
    const turn = this.weaver.endTurn();
    this.#ending = turn.ending;
    this.#forgetRun();
    if (turn.calls.length === 0) {
      if (turn.names !== undefined && turn.names.length > 0) this.#keep(turn, []);
      return 'last';
    }
    if (this.#isForbidden) return 'defiant';
    const results = await this.#answers(turn, witness, signal);
    if (turn.isLast) this.#keep(turn, results);
    else this.#continue(turn, results, witness);
    return turn.isLast ? 'last' : 'goes_on';
  }

  #forgetRun(): void {
    this.#run.clear();
    this.#runNames.clear();
  }

  async #answers(
    { calls }: WovenTurn,
    witness: ToolWitness,
    signal: AbortSignal,
  ): Promise<AnsweredCall[]> {
    const { turnsMax, totalTimeoutMs } = this.#options.limits;
    if (this.#turnsWithTools >= turnsMax) {
      this.#forbid('the limit of turns with tools was reached', witness);
      const result = failedResult(
        `The tool was not run: no more than ${turnsMax} turns use tools.`,
      );
      return calls.map((call) => ({ call, result }));
    }
    this.#turnsWithTools += 1;
    const startedMs = performance.now();
    const timeout = AbortSignal.timeout(Math.max(0, Math.ceil(totalTimeoutMs - this.#ranMs)));
    const either = AbortSignal.any([signal, timeout]);
    const results = await Promise.all(
      calls.map(async (call, index) => ({
        call,
        result: index < CALLS_MAX ? await this.#result(call, witness, either) : TOO_MANY,
      })),
    );
    signal.throwIfAborted();
    this.#ranMs += performance.now() - startedMs;
    if (timeout.aborted) this.#forbid('tools ran for as long as those of one call may', witness);
    return results;
  }

  async #result(call: ToolCall, witness: ToolWitness, signal: AbortSignal): Promise<ToolResult> {
    const tool = this.#tools.get(call.name);
    if (tool === undefined) return failedResult(`There is no tool ${call.name}.`);
    this.#run.add(call.id);
    this.#runNames.add(call.name);
    const end = await witness.toolBegun(call, tool);
    const result = await this.#called(tool, call, signal);
    end(result);
    return result;
  }

  async #called(tool: OfferedTool, call: ToolCall, signal: AbortSignal): Promise<ToolResult> {
    const input = parseObject(call.input);
    if (input === undefined) return failedResult('The input of the tool is not a JSON object.');
    try {
      return await this.#options.servers.call(tool, input, this.#options.user, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      return failedResult(
        'The tool was stopped: there was no more time, or nobody to wait for it.',
      );
    }
  }

  #continue(turn: WovenTurn, results: readonly AnsweredCall[], witness: ToolWitness): void {
    const { dialect, limits } = this.#options;
    const continued = (answers: readonly AnsweredCall[]): readonly Buffer[] => [
      ...turn.said,
      ...dialect.resultsOf(answers),
    ];
    let elements = continued(results);
    if (this.#request.json.length + sizeOf(elements) > limits.requestBytesMax) {
      this.#forbid('what tools answered was too large to go on with', witness);
      elements = continued(results.map(({ call }) => ({ call, result: TOO_LARGE })));
    }
    this.#hidden.push(...elements);
    const next = textOf(dialect.continued(this.#request, elements));
    this.#request = this.#isForbidden ? textOf(dialect.withoutCalls(next)) : next;
  }

  #keep({ said, callersCalls, names, lastId }: WovenTurn, results: readonly AnsweredCall[]): void {
    // Copies: what they are parts of is not to be kept.
    const [before, last] = [this.#hidden, said].map((parts) =>
      parts.map((part) => Buffer.from(part)),
    );
    this.#options.keep({
      before: before ?? [],
      said: last ?? [],
      results,
      callersCalls,
      ...(names && { names }),
      ...(lastId !== undefined && { lastId }),
    });
  }

  /** The next turn is the last one: the model is to make do with what it knows. */
  #forbid(why: string, witness: ToolWitness): void {
    this.#isForbidden = true;
    witness.note(why);
  }
}

export function textOf(json: Buffer): RequestText {
  return { json, body: parseObject(json.toString('utf8')) ?? {} };
}

function failedResult(text: string): ToolResult {
  return {
    content: [{ type: 'text', text }],
    structured: undefined,
    isError: true,
    error: text,
    bytes: 0,
  };
}

function sizeOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

const NOTHING = Buffer.alloc(0);
const TOO_MANY = failedResult(
  `The tool was not run: no more than ${CALLS_MAX} calls are in one turn.`,
);
const TOO_LARGE = failedResult('The result is too large to be shown.');
