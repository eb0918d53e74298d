import * as z from 'zod';
import { fromJson, HttpUrl } from '../setting-kinds.ts';
import type { TracingChoice } from './traces.ts';

const Headers = z.record(z.string().regex(/^[\w.-]+$/, 'must be a header'), z.string());

/** Where traces go. The names with `OTEL_` are OpenTelemetry's own, and mean what they mean there; ours come before them. */
export const tracingSettings = {
  /** Of a collector that speaks OTLP over HTTP, without `/v1/traces`. Absent: nothing is told. */
  HANDOFF_OTLP_URL: HttpUrl.optional(),
  /** `{"name": "value"}`, as an object in the file or as JSON in the environment. */
  HANDOFF_OTLP_HEADERS: z.preprocess(fromJson, Headers).optional(),
  /** Whether what is said, asked and answered goes there, too. */
  HANDOFF_TRACE_CONTENT: z.stringbool().or(z.boolean()).default(false),
  OTEL_EXPORTER_OTLP_ENDPOINT: HttpUrl.optional(),
  /** `name=value,name=value`, the values as in a URL. */
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .transform((text) => Object.fromEntries(text.split(',').flatMap(pair)))
    .optional(),
};

export function tracingChoice(settings: z.output<z.ZodObject<typeof tracingSettings>>): TracingChoice {
  const base = settings.HANDOFF_OTLP_URL ?? settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  // Headers for one address are nobody else's.
  const headers =
    settings.HANDOFF_OTLP_URL === undefined
      ? settings.OTEL_EXPORTER_OTLP_HEADERS
      : settings.HANDOFF_OTLP_HEADERS;
  return {
    url: base === undefined ? undefined : `${base}/v1/traces`,
    headers: headers ?? {},
    isStandard: settings.HANDOFF_OTLP_URL === undefined,
    withContent: settings.HANDOFF_TRACE_CONTENT,
  };
}

function pair(text: string): [string, string][] {
  const [, name, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(text) ?? [];
  return name === undefined || value === undefined ? [] : [[name, decoded(value)]];
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
