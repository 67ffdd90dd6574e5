import {
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api';
import type { Clock } from '../../core/clock.ts';
import type { EndFacts } from '../../recording/index.ts';
import type { Tracing } from '../../telemetry/index.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type {
  BegunInterception,
  InterceptionObserver,
  ObservedInterception,
} from '../record/interception-observer.ts';

type Attempt = Parameters<ObservedInterception['attempt']>[0];
type Tool = Parameters<ObservedInterception['tool']>[0];
type Usage = Parameters<ObservedInterception['usage']>[0];

/**
 * A trace of each interception, part of the caller's own if it has one. Names and
 * attributes tell which key was used and how it went, never a secret, a prompt, a
 * tool's input or what a provider said in an error, which may quote any of them.
 */
export class InterceptionTraces implements InterceptionObserver {
  readonly #tracing: Tracing;
  readonly #clock: Clock;

  constructor(tracing: Tracing, clock: Clock) {
    this.#tracing = tracing;
    this.#clock = clock;
  }

  begun(interception: BegunInterception): ObservedInterception {
    return new TracedInterception(interception, this.#tracing, this.#clock);
  }
}

class TracedInterception implements ObservedInterception {
  readonly #tracing: Tracing;
  readonly #clock: Clock;
  /** From the monotonic clock, which measures, to the wall clock, which spans are placed by. */
  readonly #wallOffsetMs: number;
  readonly #receivedMs: number;
  readonly #attributes: Attributes;
  readonly #root: Span;
  readonly #rootContext: Context;
  /** Undefined for a passthrough call, which is one span with its attempts. */
  readonly #process: Span | undefined;
  readonly #processContext: Context;
  #recordingEnd: Span | undefined;
  #inputTokens = 0;
  #outputTokens = 0;

  constructor(interception: BegunInterception, tracing: Tracing, clock: Clock) {
    const { exchange, readMs, recordedMs } = interception;
    this.#tracing = tracing;
    this.#clock = clock;
    this.#wallOffsetMs = clock.nowMs() - clock.monotonicMs();
    this.#receivedMs = exchange.receivedMs;
    const isBridged = exchange.match.kind === 'bridged';
    this.#attributes = isBridged
      ? bridgedAttributes(interception)
      : passthroughAttributes(exchange);
    const parent = tracing.callerContext(exchange.req.headers);
    this.#root = this.#start(isBridged ? 'Intercept' : 'Passthrough', parent, {
      atMs: this.#receivedMs,
      kind: SpanKind.SERVER,
    });
    this.#rootContext = trace.setSpan(parent, this.#root);
    if (!isBridged) {
      this.#processContext = this.#rootContext;
      return;
    }
    this.#root.setAttributes(requestAttributes(interception));
    this.#span('Intercept.CreateInterceptor', { fromMs: this.#receivedMs, toMs: readMs });
    this.#span('Intercept.RecordInterception', { fromMs: readMs, toMs: recordedMs });
    this.#process = this.#start('Intercept.ProcessRequest', this.#rootContext, {
      atMs: recordedMs,
    });
    this.#processContext = trace.setSpan(this.#rootContext, this.#process);
  }

  attempt(facts: Attempt): void {
    const { startedAt, durationMs, outcome, status } = facts;
    const span = this.#tracing.tracer.startSpan(
      'Intercept.ProcessRequest.Upstream',
      {
        startTime: startedAt,
        kind: SpanKind.CLIENT,
        attributes: { ...this.#attributes, ...attemptAttributes(facts) },
      },
      this.#processContext,
    );
    if (outcome !== 'served') fail(span, outcome);
    if (status !== null) span.setAttribute('http.response.status_code', status);
    span.end(startedAt + durationMs);
  }

  /** Of every turn; the root has what all of them come to. */
  usage({ messageId, input, output }: Usage): void {
    this.#inputTokens += input;
    this.#outputTokens += output;
    this.#root.setAttributes({
      'gen_ai.usage.input_tokens': this.#inputTokens,
      'gen_ai.usage.output_tokens': this.#outputTokens,
      ...(messageId !== null && { 'gen_ai.response.id': messageId }),
    });
    this.#moment('Intercept.RecordTokenUsage');
  }

  prompt(): void {
    this.#moment('Intercept.RecordPromptUsage');
  }

  tool(facts: Tool): void {
    if (facts.durationMs !== undefined) this.#toolCall(facts, facts.durationMs);
    this.#moment('Intercept.RecordToolUsage');
  }

  thought(): void {
    this.#moment('Intercept.RecordModelThought');
  }

  ending({ status, errorType, upstreamStatus, firstByteMs }: EndFacts): void {
    const atMs = this.#clock.monotonicMs();
    if (firstByteMs !== null) {
      this.#process?.addEvent('first_byte', this.#wall(this.#receivedMs + firstByteMs));
    }
    this.#root.setAttribute('aibridge.status', status);
    if (upstreamStatus !== null) {
      this.#root.setAttribute('aibridge.upstream_status', upstreamStatus);
    }
    if (status === 'failed') {
      fail(this.#root, errorType ?? status);
      if (this.#process !== undefined) fail(this.#process, errorType ?? status);
    }
    if (this.#process === undefined) return;
    this.#process.end(this.#wall(atMs));
    this.#recordingEnd = this.#start('Intercept.RecordInterceptionEnded', this.#rootContext, {
      atMs,
    });
  }

  ended(): void {
    const now = this.#wall(this.#clock.monotonicMs());
    this.#recordingEnd?.end(now);
    this.#root.end(now);
  }

  /** A tool that the bridge has run. */
  #toolCall(facts: Tool, durationMs: number): void {
    const endedMs = this.#clock.monotonicMs();
    const span = this.#start('Intercept.ProcessRequest.ToolCall', this.#processContext, {
      atMs: endedMs - durationMs,
      kind: SpanKind.CLIENT,
    });
    span.setAttributes({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': facts.tool,
      mcp_tool_name: facts.tool,
      ...(facts.serverUrl !== null && { mcp_server_url: facts.serverUrl }),
      ...(facts.toolCallId !== null && { 'gen_ai.tool.call.id': facts.toolCallId }),
    });
    if (facts.error !== null) fail(span, 'tool_error');
    span.end(this.#wall(endedMs));
  }

  #start(name: string, parent: Context, at: { atMs: number; kind?: SpanKind }): Span {
    return this.#tracing.tracer.startSpan(
      name,
      {
        startTime: this.#wall(at.atMs),
        kind: at.kind ?? SpanKind.INTERNAL,
        attributes: this.#attributes,
      },
      parent,
    );
  }

  #span(name: string, { fromMs, toMs }: { fromMs: number; toMs: number }): void {
    this.#start(name, this.#rootContext, { atMs: fromMs }).end(this.#wall(toMs));
  }

  /** A record takes no time of its own: its line goes to the journal with those around it. */
  #moment(name: string): void {
    const atMs = this.#clock.monotonicMs();
    this.#start(name, this.#processContext, { atMs }).end(this.#wall(atMs));
  }

  #wall(monotonicMs: number): number {
    return this.#wallOffsetMs + monotonicMs;
  }
}

function fail(span: Span, errorType: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: errorType });
  span.setAttribute('error.type', errorType);
}

/** Spec 06 §6: the same on every span of an interception. */
function bridgedAttributes({ exchange, facts }: BegunInterception): Attributes {
  return {
    request_path: `/${exchange.instance.name}${facts.route}`,
    interception_id: exchange.id,
    user_id: facts.initiatorId,
    provider: facts.providerName,
    model: facts.model,
    streaming: facts.streaming,
    ...(facts.api === 'messages' && { aws_bedrock: facts.providerType === 'bedrock' }),
  };
}

/** The path without its query, which may carry a credential. */
function passthroughAttributes({ id, target, match, req }: Exchange): Attributes {
  return {
    passthrough_url: target.route,
    passthrough_method: req.method ?? '',
    passthrough_upstream_url: match.upstreamPath,
    interception_id: id,
  };
}

/** The conventions of OpenTelemetry for generative AI. */
function requestAttributes({ exchange, facts }: BegunInterception): Attributes {
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': exchange.instance.provider.telemetryName,
    'gen_ai.request.model': facts.requestedModel,
    ...(facts.sessionId !== null && { 'gen_ai.conversation.id': facts.sessionId }),
  };
}

function attemptAttributes(facts: Attempt): Attributes {
  return {
    'aibridge.attempt.ordinal': facts.ordinal,
    'aibridge.attempt.turn': facts.turn,
    'aibridge.attempt.outcome': facts.outcome,
    'aibridge.credential.kind': facts.credentialKind,
    'aibridge.credential.hint': facts.credentialHint,
    ...(facts.credentialFingerprint !== null && {
      'aibridge.credential.fingerprint': facts.credentialFingerprint,
    }),
    ...(facts.cooldownMs !== null && { 'aibridge.attempt.cooldown_ms': facts.cooldownMs }),
  };
}
