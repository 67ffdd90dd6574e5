import type { PromptSource } from '../../recording/index.ts';
import type { TurnPart } from '../apis/api.ts';
import type { DetectedClient } from './clients/client-detection.ts';
import { handsOnUsersWords, isMachineText, isSummary } from './clients/machine-text.ts';

/** What is recorded of the last turn. */
export interface UserTurn {
  /** At most one of each source. */
  readonly prompts: readonly TurnText[];
  /** The tool calls that the turn answers, oldest first. */
  readonly correlatingToolCallIds: readonly string[];
}

export interface TurnText {
  readonly source: PromptSource;
  readonly text: string;
}

/** All of them come from one answer, as a rule, so that each says the same. */
const TOOL_CALL_IDS_MAX = 64;

export const NO_TURN: UserTurn = { prompts: [], correlatingToolCallIds: [] };

/**
 * What the user says is all that stands in the turn, but what a client repeats before the summary of
 * a conversation: that was recorded in its time. Text of the client's own is kept apart wherever it stands.
 */
export function readUserTurn(
  parts: readonly TurnPart[],
  client: Pick<DetectedClient, 'purpose' | 'machineText'>,
  joinedBy: string,
): UserTurn {
  const isMachine = (text: string): boolean => isMachineText(text, client.machineText);
  // Whoever typed them, the words that a client's own call ends with are the client's.
  const isLastOfMachine = client.purpose === 'main' ? isMachine : () => true;
  const sorted = parts.map(({ asides = [], ...part }, index) => {
    const handedOn = asides.filter((text) => handsOnUsersWords(text, client.machineText));
    const isOfMachine = index === parts.length - 1 ? isLastOfMachine : isMachine;
    return sortedTexts({ ...part, texts: [...part.texts, ...handedOn] }, isOfMachine);
  });
  const prompts: TurnText[] = [];
  const machine = sorted.flatMap((part) => part.machine).filter(isNotBlank);
  const user = sorted.slice(beginningOf(parts, client)).flatMap((part) => part.user);
  if (user.length > 0) prompts.push({ source: 'user', text: user.join(joinedBy) });
  if (machine.length > 0) prompts.push({ source: 'machine', text: machine.join(joinedBy) });
  return { prompts, correlatingToolCallIds: answeredToolCalls(sorted) };
}

/** The part from which on a turn says what is new. Of a client's own call only the last is about it. */
function beginningOf(
  parts: readonly TurnPart[],
  { purpose, machineText }: Pick<DetectedClient, 'purpose' | 'machineText'>,
): number {
  if (purpose !== 'main') return parts.length - 1;
  return Math.max(
    0,
    parts.findLastIndex(({ texts }) => texts.some((text) => isSummary(text, machineText))),
  );
}

interface SortedPart extends TurnPart {
  readonly user: readonly string[];
  readonly machine: readonly string[];
}

function sortedTexts(part: TurnPart, isOfMachine: (text: string) => boolean): SortedPart {
  const user: string[] = [];
  const machine: string[] = [];
  for (const text of part.texts) (isOfMachine(text) ? machine : user).push(text);
  const words = user.filter(isNotBlank);
  // A blank text says something only where it is all that is said.
  const isAlone = machine.length === 0 && part.toolCallIds.length === 0;
  return { ...part, machine, user: words.length === 0 && isAlone ? user.slice(-1) : words };
}

/** Results that stand before something that the user says are of a call that was answered in its time. */
function answeredToolCalls(parts: readonly SortedPart[]): readonly string[] {
  const since = parts.findLastIndex(({ user }) => user.length > 0);
  const ids = parts.slice(Math.max(since, 0)).flatMap(({ toolCallIds }) => toolCallIds);
  return [...new Set(ids)].slice(-TOOL_CALL_IDS_MAX);
}

function isNotBlank(text: string): boolean {
  return text.trim() !== '';
}
