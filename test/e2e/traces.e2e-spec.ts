import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ToolServer } from '../simulator/mcp/index.ts';
import { answer, rateLimited } from '../simulator/index.ts';
import { messagesBody, POOL_KEY, startSystem, type System } from '../support/system.ts';
import { toolServerVariables, toolsAreKnown } from '../support/tools.ts';
import { until } from '../support/until.ts';

const FIRST = 'sk-ant-api03-the-first-of-the-pool-0001';
const SECOND = 'sk-ant-api03-the-second-of-the-pool-0002';
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER_SPAN = '00f067aa0ba902b7';
const ERROR = 2;

interface SpanOnTheWire {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
  readonly status: { readonly code?: number };
  readonly events: readonly { readonly name: string }[];
}

/** What a collector of OpenTelemetry receives. */
class Collector {
  readonly spans: SpanOnTheWire[] = [];
  text = '';
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((req, res) => {
      let body = '';
      req.setEncoding('utf8').on('data', (text: string) => (body += text));
      req.on('end', () => {
        this.text += body;
        for (const { scopeSpans } of JSON.parse(body).resourceSpans) {
          for (const { spans } of scopeSpans) this.spans.push(...spans);
        }
        res.setHeader('content-type', 'application/json').end('{}');
      });
    });
  }

  static async listen(): Promise<Collector> {
    const collector = new Collector();
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  /** All spans of a trace whose root is among them. */
  trace(root: string): Promise<SpanOnTheWire[]> {
    return until(`the span ${root}`, () => {
      const found = this.spans.find(({ name }) => name === root);
      return found && this.spans.filter(({ traceId }) => traceId === found.traceId);
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

let system: System;
let collector: Collector;

beforeAll(async () => {
  collector = await Collector.listen();
  system = await startSystem({
    settings: { KEYS: `${FIRST},${SECOND}` },
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '50' },
  });
});

afterAll(async () => {
  await system.stop();
  collector.close();
});

beforeEach(() => {
  collector.spans.length = 0;
  system.simulator.clear();
});

function attributesOf(span: SpanOnTheWire | undefined): Record<string, unknown> {
  const entries = span?.attributes.map(({ key, value }) => [key, Object.values(value)[0]]) ?? [];
  return Object.fromEntries(entries);
}

/** Each span with the one it is part of, in alphabetical order. */
function namesIn(spans: readonly SpanOnTheWire[]): string[] {
  const nameOf = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  const names = spans.map(({ name, parentSpanId = '' }) =>
    nameOf.has(parentSpanId) ? `${nameOf.get(parentSpanId)} > ${name}` : name,
  );
  return names.toSorted((left, right) => left.localeCompare(right));
}

test("an interception is a span tree in the caller's trace, with one span per attempt", async () => {
  system.simulator.key(FIRST).always(rateLimited({ retryAfterMs: 1 }));
  const usage = { input: 11, output: 7 };
  system.simulator.key(SECOND).always(answer({ text: 'a secret answer', usage }));
  const res = await fetch(`${system.bridge.url}/anthropic/v1/messages`, {
    method: 'POST',
    headers: { traceparent: `00-${TRACE_ID}-${CALLER_SPAN}-01` },
    body: messagesBody({ stream: true, messages: [{ role: 'user', content: 'a secret prompt' }] }),
  });
  await res.text();

  const spans = await collector.trace('Intercept');
  const byName = (name: string): SpanOnTheWire[] => spans.filter((span) => span.name === name);
  const [root] = byName('Intercept');
  const [process] = byName('Intercept.ProcessRequest');
  expect([root?.traceId, root?.parentSpanId]).toEqual([TRACE_ID, CALLER_SPAN]);
  expect(namesIn(spans)).toEqual([
    'Intercept',
    'Intercept > Intercept.CreateInterceptor',
    'Intercept > Intercept.ProcessRequest',
    'Intercept > Intercept.RecordInterception',
    'Intercept > Intercept.RecordInterceptionEnded',
    'Intercept.ProcessRequest > Intercept.ProcessRequest.Upstream',
    'Intercept.ProcessRequest > Intercept.ProcessRequest.Upstream',
    'Intercept.ProcessRequest > Intercept.RecordPromptUsage',
    'Intercept.ProcessRequest > Intercept.RecordTokenUsage',
  ]);
  expect(process?.events.map(({ name }) => name)).toEqual(['first_byte']);
  expect(attributesOf(root)).toMatchObject({
    request_path: '/anthropic/v1/messages',
    interception_id: res.headers.get('x-aibridge-interception-id'),
    user_id: 'local',
    provider: 'anthropic',
    model: 'claude-opus-4-5',
    streaming: true,
    aws_bedrock: false,
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.request.model': 'claude-opus-4-5',
    'gen_ai.usage.input_tokens': 11,
    'gen_ai.usage.output_tokens': 7,
    'aibridge.status': 'completed',
  });
  const attempts = byName('Intercept.ProcessRequest.Upstream');
  expect(attempts.map(({ status }) => status.code ?? 0)).toEqual([ERROR, 0]);
  expect(attempts.map((span) => attributesOf(span))).toMatchObject([
    {
      'aibridge.credential.hint': 'sk-a...0001',
      'aibridge.attempt.outcome': 'rate_limited',
      'http.response.status_code': 429,
    },
    {
      'aibridge.credential.hint': 'sk-a...0002',
      'aibridge.attempt.outcome': 'served',
      'http.response.status_code': 200,
    },
  ]);
});

test('spans lie within those they belong to', async () => {
  system.simulator.onAnyKey(answer());
  const res = await fetch(`${system.bridge.url}/anthropic/v1/messages`, {
    method: 'POST',
    body: messagesBody(),
  });
  await res.text();

  const spans = await collector.trace('Intercept');
  // Start times of attempts are whole milliseconds, as they are recorded.
  const toleranceNs = 1_500_000n;
  for (const span of spans) {
    const parent = spans.find(({ spanId }) => spanId === span.parentSpanId) ?? span;
    const earlyNs = BigInt(parent.startTimeUnixNano) - BigInt(span.startTimeUnixNano);
    const lateNs = BigInt(span.endTimeUnixNano) - BigInt(parent.endTimeUnixNano);
    expect([span.name, earlyNs < toleranceNs, lateNs < toleranceNs]).toEqual([
      span.name,
      true,
      true,
    ]);
  }
});

test('a passthrough call is one span with its attempt, and tells no query', async () => {
  system.simulator.onAnyKey(answer());
  await (await fetch(`${system.bridge.url}/anthropic/v1/models?limit=1&key=hush`)).text();

  const spans = await collector.trace('Passthrough');
  expect(namesIn(spans)).toEqual([
    'Passthrough',
    'Passthrough > Intercept.ProcessRequest.Upstream',
  ]);
  expect(attributesOf(spans.find(({ name }) => name === 'Passthrough'))).toMatchObject({
    passthrough_url: '/v1/models',
    passthrough_method: 'GET',
    passthrough_upstream_url: '/v1/models',
  });
});

/** The collector is one more place that a key or a prompt must never reach. */
test('no span holds a key, a prompt, an answer or a query', () => {
  expect(collector.text).toContain('aibridge');
  for (const secret of [FIRST, SECOND, 'secret prompt', 'secret answer', 'hush']) {
    expect(collector.text).not.toContain(secret);
  }
});

test('a tool that the bridge runs is a span of its own, without what it was told', async () => {
  const tools = await ToolServer.start();
  const withTools = await startSystem({
    env: {
      ...toolServerVariables(tools),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '50',
    },
  });
  try {
    await toolsAreKnown(withTools.bridge);
    const call = { name: 'bmcp_test_failing', id: 'call_1', input: { text: 'a secret input' } };
    const usage = { input: 10, output: 7 };
    withTools.simulator.key(POOL_KEY).inOrder(answer({ tools: [call], usage }), answer({ usage }));
    const body = messagesBody();
    await (
      await fetch(`${withTools.bridge.url}/anthropic/v1/messages`, { method: 'POST', body })
    ).text();

    const spans = await collector.trace('Intercept');
    expect(namesIn(spans)).toContain(
      'Intercept.ProcessRequest > Intercept.ProcessRequest.ToolCall',
    );
    const span = spans.find(({ name }) => name.endsWith('.ToolCall'));
    expect(span?.status.code).toBe(ERROR);
    expect(attributesOf(span)).toMatchObject({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'failing',
      'gen_ai.tool.call.id': 'call_1',
      mcp_tool_name: 'failing',
      mcp_server_url: tools.url,
    });
    const root = spans.find(({ name }) => name === 'Intercept');
    expect(attributesOf(root)).toMatchObject({
      'gen_ai.usage.input_tokens': 20,
      'gen_ai.usage.output_tokens': 14,
    });
    expect(collector.text).not.toContain('a secret input');
  } finally {
    await withTools.stop();
    await tools.close();
  }
});
