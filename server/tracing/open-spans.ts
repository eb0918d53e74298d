import { createHash } from 'node:crypto';
import type { Attributes, TraceSpan } from '../protocol/trace.ts';

/** Spans while the events that they are made of are read. */
export interface OpenSpans {
  begin(
    key: string,
    span: Pick<TraceSpan, 'name' | 'kind' | 'startAt' | 'attributes'>,
    parent?: string,
  ): void;
  has(key: string): boolean;
  note(key: string, name: string, at: number, attributes?: Attributes): void;
  set(key: string, attributes: Attributes): void;
  /** Adds to numbers among its attributes. */
  add(key: string, amounts: Record<string, number>): void;
  end(key: string, at: number, error?: string): void;
  /** All of them in the order in which they began. Those that nobody ended did so at `at`, for the reason of `error`, if there is one. */
  close(at: number, error: string | undefined): TraceSpan[];
}

interface Draft extends Omit<TraceSpan, 'endAt' | 'error'> {
  endAt?: number;
  error?: string | undefined;
}

/**
 * Ids are made of the turn's and of the keys, which are made of what the log has: whoever makes them again makes the same ones, and a
 * collector that is told twice knows it.
 */
export function openSpans(turnId: string): OpenSpans {
  const traceId = digest(`trace\0${turnId}`, 32);
  const spanId = (key: string): string => digest(`span\0${turnId}\0${key}`, 16);
  const drafts = new Map<string, Draft>();
  return {
    begin(key, span, parent) {
      const parentSpanId = parent === undefined ? {} : { parentSpanId: spanId(parent) };
      drafts.set(key, { ...span, traceId, spanId: spanId(key), ...parentSpanId, events: [] });
    },
    has: (key) => drafts.has(key),
    note(key, name, at, attributes = {}) {
      drafts.get(key)?.events.push({ name, at, attributes });
    },
    set(key, attributes) {
      const draft = drafts.get(key);
      if (draft) draft.attributes = { ...draft.attributes, ...attributes };
    },
    add(key, amounts) {
      const draft = drafts.get(key);
      if (!draft) return;
      for (const [name, amount] of Object.entries(amounts)) {
        draft.attributes = { ...draft.attributes, [name]: Number(draft.attributes[name] ?? 0) + amount };
      }
    },
    end(key, at, error) {
      const draft = drafts.get(key);
      if (!draft || draft.endAt !== undefined) return;
      draft.endAt = at;
      draft.error = error;
    },
    close: (at, error) =>
      [...drafts.values()].map(({ endAt, error: own, ...span }) => {
        const why = endAt === undefined ? error : own;
        const ended = { ...span, endAt: Math.max(span.startAt, endAt ?? at) };
        if (why === undefined) return ended;
        return { ...ended, attributes: { ...span.attributes, 'error.type': why }, error: why };
      }),
  };
}

const digest = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);
