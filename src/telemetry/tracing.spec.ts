import { afterEach, expect, it, vi } from 'vitest';
import { isTracingConfigured, startTracing, unservedSettings } from './tracing.ts';

afterEach(() => vi.unstubAllEnvs());

const ENDPOINT = 'http://collector:4318';

it.each<[Record<string, string>, boolean]>([
  [{}, false],
  [{ OTEL_SERVICE_NAME: 'bridge' }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${ENDPOINT}/v1/traces` }, true],
  [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: ENDPOINT }, false],
  [{ OTEL_TRACES_EXPORTER: 'otlp' }, true],
  [{ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT }, false],
  [{ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT }, false],
  [{ OTEL_TRACES_EXPORTER: '', OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
])('traces only where the standard variables ask for it: %o is %s', (env, isConfigured) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  expect(isTracingConfigured()).toBe(isConfigured);
});

it.each<[Record<string, string>, string[]]>([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, []],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, []],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    ['OTEL_EXPORTER_OTLP_PROTOCOL: spans are sent as http/json, not grpc'],
  ],
  [
    { OTEL_TRACES_EXPORTER: 'zipkin' },
    ['OTEL_TRACES_EXPORTER: zipkin is not served, only otlp is'],
  ],
  [{ OTEL_TRACES_EXPORTER: 'none' }, []],
])('says what it was asked for and does not do: %o', (env, warnings) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  expect(unservedSettings()).toEqual(warnings);
});

it('is nothing at all where nobody asks for it', async () => {
  expect(await startTracing()).toBeUndefined();
});

it('continues the trace that the caller names, and begins one for a caller that names none', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', ENDPOINT);
  vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_off');
  const tracing = await startTracing();
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const traceIdOf = (headers: Record<string, string>): string | undefined =>
    tracing?.tracer.startSpan('a', {}, tracing.callerContext(headers)).spanContext().traceId;

  expect(traceIdOf({ traceparent })).toBe(traceId);
  for (const broken of [
    {},
    { traceparent: 'nonsense' },
    { traceparent: `00-${'0'.repeat(32)}-1-1` },
  ]) {
    expect(traceIdOf(broken)).toMatch(/^(?!4bf92f)[\da-f]{32}$/);
  }
  await tracing?.close();
});
