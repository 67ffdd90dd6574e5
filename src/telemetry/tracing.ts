import type { IncomingHttpHeaders } from 'node:http';
import { ROOT_CONTEXT, type Context, type Tracer } from '@opentelemetry/api';
import { getBooleanFromEnv, getStringFromEnv, getStringListFromEnv } from '@opentelemetry/core';

/** Where spans go. There is none unless an exporter is configured. */
export interface Tracing {
  readonly tracer: Tracer;
  /** The caller's own trace, of which what happens here is a part; a new one if it has none. */
  callerContext(headers: IncomingHttpHeaders): Context;
  /** Sends what has not been sent. */
  close(): Promise<void>;
}

/**
 * Whether the standard variables of OpenTelemetry ask for traces: an exporter by
 * name, or the address of a collector.
 */
export function isTracingConfigured(): boolean {
  if (getBooleanFromEnv('OTEL_SDK_DISABLED')) return false;
  const exporters = getStringListFromEnv('OTEL_TRACES_EXPORTER');
  if (exporters !== undefined && exporters.length > 0) return exporters.includes('otlp');
  return COLLECTOR.some((name) => getStringFromEnv(name) !== undefined);
}

const COLLECTOR = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];

const PROTOCOL = 'http/json';
const PROTOCOL_SETTINGS = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];

/** What the standard variables ask for and do not get, in words for the operator. */
export function unservedSettings(): string[] {
  const exporters = getStringListFromEnv('OTEL_TRACES_EXPORTER') ?? [];
  const unknown = exporters.filter((name) => name !== 'otlp' && name !== 'none');
  const protocols = isTracingConfigured() ? PROTOCOL_SETTINGS : [];
  return [
    ...unknown.map((name) => `OTEL_TRACES_EXPORTER: ${name} is not served, only otlp is`),
    ...protocols.flatMap((name) => {
      const wanted = getStringFromEnv(name) ?? PROTOCOL;
      return wanted === PROTOCOL ? [] : [`${name}: spans are sent as ${PROTOCOL}, not ${wanted}`];
    }),
  ];
}

/** The libraries are loaded only here, so that nobody pays for them who does not trace. */
export async function startTracing(): Promise<Tracing | undefined> {
  if (!isTracingConfigured()) return undefined;
  const [{ W3CTraceContextPropagator }, { startExporting }] = await Promise.all([
    import('@opentelemetry/core'),
    import('./span-export.ts'),
  ]);
  const propagator = new W3CTraceContextPropagator();
  const { tracer, close } = startExporting();
  return {
    tracer,
    close,
    callerContext: (headers) => propagator.extract(ROOT_CONTEXT, headers, HEADER_GETTER),
  };
}

const HEADER_GETTER = {
  keys: (headers: IncomingHttpHeaders) => Object.keys(headers),
  get: (headers: IncomingHttpHeaders, name: string) => headers[name],
};
