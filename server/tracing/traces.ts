import type { Logger } from 'pino';
import type { TaskTrace } from '../protocol/trace.ts';
import { type EventLog, readAll } from '../tasks/event-log.ts';
import { VERSION } from '../version.ts';
import { loadExporter } from './load.ts';
import { spansOf } from './spans.ts';

/** Where traces go, and how much is said in them. */
export interface TracingChoice {
  /** Absent: nowhere. */
  url: string | undefined;
  /** Secret: they carry credentials. */
  headers: Record<string, string>;
  /** Whether OpenTelemetry's own variables say so. */
  isStandard: boolean;
  withContent: boolean;
}

/** Spans in one request: a turn of 500 steps is some thousand, a megabyte and a half. */
const BATCH = 500;
/**
 * How long (ms) a batch may take, with five tries at growing pauses in it; and how often such a patience is had. A collector that is away
 * for longer never hears of the turn: its sandbox is not kept awake for that.
 */
const PATIENCE_MS = 10_000;
const TRIES = 2;

export interface Traces {
  /** Tells the collector of a turn that has ended, whole. Repeating it tells the same. Never rejects for the collector's sake. */
  export(turn: { taskId: string; turnId: string }): Promise<void>;
  /** All turns of a task, for whoever looks; without anybody's words. */
  of(taskId: string): Promise<TaskTrace>;
}

export function createTraces(deps: {
  log: EventLog;
  tracing: TracingChoice;
  logger: Logger;
  patienceMs?: number;
}): Traces {
  const { log, tracing, logger, patienceMs = PATIENCE_MS } = deps;
  return {
    async export({ taskId, turnId }) {
      const { url, withContent, ...collector } = tracing;
      if (url === undefined) return;
      const spans = spansOf(await readAll(log, taskId), { taskId, turnId, withContent });
      const { exportSpans } = await loadExporter();
      for (let from = 0; from < spans.length; from += BATCH) {
        const batch = spans.slice(from, from + BATCH);
        for (let tried = 1; ; tried++) {
          const why = await exportSpans({ url, ...collector, patienceMs }, VERSION, batch).then(
            () => undefined,
            (error: unknown) => whyOf(error),
          );
          if (why === undefined) break;
          logger.warn({ taskId, turnId, tried, why }, 'the collector could not be told of a turn');
          if (tried === TRIES) return;
        }
      }
    },

    async of(taskId) {
      const events = await readAll(log, taskId);
      const turns = events.filter((event) => event.type === 'turn.started').map(({ turnId }) => turnId);
      return { spans: turns.flatMap((turnId) => spansOf(events, { taskId, turnId, withContent: false })) };
    },
  };
}

/** The kind only: a message may repeat the address. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && error.code !== undefined ? `status ${error.code}` : error.name;
}
