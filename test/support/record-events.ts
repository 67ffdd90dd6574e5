import type {
  AttemptEvent,
  AttemptSoFarEvent,
  EndEvent,
  PromptEvent,
  StartEvent,
  ThoughtEvent,
  ToolEvent,
  UsageEvent,
  UsageSoFarEvent,
} from '../../src/recording/journal/events.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import type { EndFacts } from '../../src/recording/journal/journal-record.ts';
import type { StartFacts } from '../../src/recording/journal/recorder.ts';

export const AT = Date.UTC(2026, 0, 1);

export const anId = (): string => uuidv7(AT);

export function startFacts(facts: Partial<StartFacts> = {}): StartFacts {
  return {
    initiatorId: 'alice@corp',
    initiatorMetadata: {},
    providerType: 'anthropic',
    providerName: 'anthropic',
    model: 'claude-opus-4-5',
    requestedModel: 'claude-opus-4-5',
    purpose: 'main',
    api: 'messages',
    route: '/v1/messages',
    method: 'POST',
    streaming: false,
    client: 'Claude Code',
    userAgent: 'claude-cli/2.0',
    sessionId: null,
    correlatingToolCallIds: [],
    credentialKind: 'centralized',
    credentialHint: '',
    credentialFingerprint: null,
    ...facts,
  };
}

export function aStart(facts: Partial<StartEvent> = {}): StartEvent {
  return {
    kind: 'start',
    id: anId(),
    at: AT,
    instanceId: '01a00000-0000-7000-8000-000000000001',
    contentMode: 'full',
    ...startFacts(),
    ...facts,
  };
}

export function anAttempt(facts: Partial<AttemptEvent> = {}): AttemptEvent {
  return {
    kind: 'attempt',
    id: anId(),
    at: AT,
    rowId: anId(),
    ordinal: 1,
    turn: 1,
    credentialKind: 'centralized',
    credentialHint: 'sk-a...0001',
    credentialFingerprint: '0123456789ab',
    status: 200,
    outcome: 'served',
    cooldownMs: null,
    startedAt: AT,
    durationMs: 12,
    error: null,
    ...facts,
  };
}

export function anAttemptSoFar(facts: Partial<AttemptSoFarEvent> = {}): AttemptSoFarEvent {
  const { outcome: _o, cooldownMs: _c, durationMs: _d, error: _e, ...begun } = anAttempt();
  return { ...begun, status: null, ...facts, kind: 'attempt_so_far' };
}

export function aUsage(facts?: Partial<UsageEvent>): UsageEvent;
export function aUsage(facts: Partial<UsageSoFarEvent>): UsageSoFarEvent;
export function aUsage(
  facts: Partial<UsageEvent | UsageSoFarEvent> = {},
): UsageEvent | UsageSoFarEvent {
  return {
    kind: 'usage',
    id: anId(),
    at: AT,
    rowId: anId(),
    messageId: 'msg_1',
    input: 10,
    output: 5,
    cacheRead: 3,
    cacheWrite: 2,
    extra: {},
    ...facts,
  };
}

export function aPrompt(facts: Partial<PromptEvent> = {}): PromptEvent {
  return {
    kind: 'prompt',
    id: anId(),
    at: AT,
    rowId: anId(),
    source: 'user',
    text: 'hi',
    ...facts,
  };
}

export function aTool(facts: Partial<ToolEvent> = {}): ToolEvent {
  return {
    kind: 'tool',
    id: anId(),
    at: AT,
    rowId: anId(),
    initiatorId: 'alice@corp',
    sessionId: null,
    messageId: 'msg_1',
    toolCallId: 'toolu_1',
    tool: 'read_file',
    serverUrl: null,
    input: '{"path":"a"}',
    injected: false,
    error: null,
    ...facts,
  };
}

export function aThought(facts: Partial<ThoughtEvent> = {}): ThoughtEvent {
  return {
    kind: 'thought',
    id: anId(),
    at: AT,
    rowId: anId(),
    messageId: 'msg_1',
    source: 'thinking',
    text: 'hm',
    ...facts,
  };
}

export function endFacts(facts: Partial<EndFacts> = {}): EndFacts {
  return {
    status: 'completed',
    errorType: null,
    errorMessage: null,
    upstreamStatus: 200,
    messageId: 'msg_1',
    servedModel: 'claude-opus-4-5-20251101',
    durationMs: 20,
    attemptCount: 1,
    failedOver: false,
    credentialHint: 'sk-a...0001',
    credentialFingerprint: '0123456789ab',
    tokens: { input: 10, output: 5, cacheRead: 3, cacheWrite: 2 },
    usageSource: 'provider',
    firstByteMs: 10,
    overheadMs: 0.4,
    notes: [],
    ...facts,
  };
}

export function anEnd(facts: Partial<EndEvent> = {}): EndEvent {
  return { kind: 'end', id: anId(), at: AT + 20, ...endFacts(), ...facts };
}
