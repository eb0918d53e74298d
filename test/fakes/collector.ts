import * as z from 'zod';
import { listen } from './http.ts';

/** OTLP over HTTP as JSON, by the names of its published protocol. */
const Value = z.union([
  z
    .object({ stringValue: z.string() })
    .strict()
    .transform(({ stringValue }) => stringValue),
  z
    .object({ intValue: z.coerce.number() })
    .strict()
    .transform(({ intValue }) => intValue),
  z
    .object({ doubleValue: z.number() })
    .strict()
    .transform(({ doubleValue }) => doubleValue),
  z
    .object({ boolValue: z.boolean() })
    .strict()
    .transform(({ boolValue }) => boolValue),
  z
    .object({ arrayValue: z.object({ values: z.array(z.object({ stringValue: z.string() })) }) })
    .strict()
    .transform(({ arrayValue }) => arrayValue.values.map(({ stringValue }) => stringValue)),
]);
const Attributes = z
  .array(z.object({ key: z.string(), value: Value }))
  .transform((all) => Object.fromEntries(all.map(({ key, value }) => [key, value])));
const Nanoseconds = z.string().regex(/^\d{19}$/);
const Span = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z.string().optional(),
  name: z.string(),
  /** 1: internal, 3: client. */
  kind: z.number(),
  startTimeUnixNano: Nanoseconds,
  endTimeUnixNano: Nanoseconds,
  attributes: Attributes,
  events: z.array(z.object({ name: z.string(), timeUnixNano: Nanoseconds, attributes: Attributes })),
  /** 2: error. */
  status: z.object({ code: z.number(), message: z.string().optional() }),
});
export type CollectedSpan = z.output<typeof Span>;
const Request = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(Span) })),
    }),
  ),
});

export interface Told {
  path: string | undefined;
  authorization: string | undefined;
  resource: Record<string, unknown>;
  spans: CollectedSpan[];
}

/** A collector of OpenTelemetry that checks what it is told. */
export interface Collector {
  url: string;
  told: Told[];
  /** Resolves with all that was told once that is so. */
  until(isSo: (told: Told[]) => boolean): Promise<Told[]>;
  /** From now on it answers 503, or not. */
  fail(isFailing: boolean): void;
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const told: Told[] = [];
  const waiting = new Set<() => void>();
  let isFailing = false;
  const listener = await listen(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const parsed = Request.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    response.writeHead(isFailing ? 503 : parsed.success ? 200 : 400, { 'content-type': 'application/json' });
    response.end('{}');
    if (!parsed.success) throw parsed.error;
    for (const { resource, scopeSpans } of parsed.data.resourceSpans) {
      told.push({
        path: request.url,
        authorization: request.headers.authorization,
        resource: resource.attributes,
        spans: scopeSpans.flatMap(({ spans }) => spans),
      });
    }
    for (const look of waiting) look();
  });
  return {
    url: listener.url,
    told,
    until: (isSo) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!isSo(told)) return;
          waiting.delete(look);
          resolve(told);
        };
        waiting.add(look);
        look();
      }),
    fail: (now) => {
      isFailing = now;
    },
    close: listener.close,
  };
}
