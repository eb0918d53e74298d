import type { Traces } from '../tracing/traces.ts';
import type { App } from './app.ts';
import { getTrace } from './trace-route-shapes.ts';

export interface TraceRouteDeps {
  traces: Pick<Traces, 'of'>;
}

export function traceRoutes(app: App, { traces }: TraceRouteDeps): void {
  app.openapi(getTrace, async (context) => context.json(await traces.of(context.req.valid('param').id), 200));
}
