// The entry of `dist/tracing.mjs`: OpenTelemetry's exporter, and nothing of ours that the relay has, too.
import { type HrTime, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { TraceSpan } from '../protocol/trace.ts';

export interface Collector {
  /** Where spans are posted to. */
  url: string;
  headers: Record<string, string>;
  /** Whether it is the one that OpenTelemetry's own variables name; what else they say is for that one. */
  isStandard: boolean;
  /** How long (ms) it may take to be told, with what is tried again in between. */
  patienceMs: number;
}

/** Resolves once the collector has them all. @throws what the exporter says of it: it may repeat the URL */
export async function exportSpans(
  { url, headers, isStandard, patienceMs }: Collector,
  version: string,
  spans: readonly TraceSpan[],
): Promise<void> {
  const open = (): OTLPTraceExporter => new OTLPTraceExporter({ url, headers, timeoutMillis: patienceMs });
  const exporter = isStandard ? open() : withoutVariables(open);
  const resource = resourceFromAttributes({ 'service.name': 'handoff', 'service.version': version });
  const instrumentationScope = { name: 'handoff', version };
  const told = spans.map((span): ReadableSpan => ({ ...readable(span), resource, instrumentationScope }));
  try {
    await new Promise<void>((resolve, reject) => {
      exporter.export(told, ({ code, error }) =>
        code === 0 ? resolve() : reject(error ?? new Error('refused')),
      );
    });
  } finally {
    await exporter.shutdown();
  }
}

/** The exporter adds credentials and certificates that it finds in the environment, whichever collector it is for, and when it is made. */
function withoutVariables<Made>(make: () => Made): Made {
  const hidden = Object.entries(process.env).filter(([name]) => name.startsWith('OTEL_EXPORTER_OTLP_'));
  for (const [name] of hidden) delete process.env[name];
  try {
    return make();
  } finally {
    for (const [name, value] of hidden) process.env[name] = value;
  }
}

function readable(span: TraceSpan): Omit<ReadableSpan, 'resource' | 'instrumentationScope'> {
  const { traceId, parentSpanId, name, kind, startAt, endAt, attributes, events, error } = span;
  const context = (spanId: string) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });
  return {
    name,
    kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL,
    spanContext: () => context(span.spanId),
    ...(parentSpanId === undefined ? {} : { parentSpanContext: context(parentSpanId) }),
    startTime: time(startAt),
    endTime: time(endAt),
    duration: time(endAt - startAt),
    status:
      error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    attributes,
    links: [],
    events: events.map((event) => ({ name: event.name, time: time(event.at), attributes: event.attributes })),
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
const time = (ms: number): HrTime => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1_000_000)];
