import type { Usage } from '../protocol/agent-events.ts';
import type { EventOf, TaskEvent, TaskEventType } from '../protocol/events.ts';
import type { Attributes, TraceSpan } from '../protocol/trace.ts';
import { contentOf } from './content.ts';
import { type OpenSpans, openSpans } from './open-spans.ts';

export interface Traced {
  taskId: string;
  turnId: string;
  /** Whether what was said, asked and answered is in them; else nobody's words and no file's. */
  withContent: boolean;
}

/** A subagent, a call or the turn itself that was cut off by its turn's end. */
const INTERRUPTED = 'interrupted';
/** Speaks as OpenAI does, and has no name of its own: what the conventions call that. */
const UNNAMED_PROVIDER = 'openai';

const agentKey = (agentId: string): string => `agent:${agentId}`;
const chatKey = (messageId: string): string => `chat:${messageId}`;
const toolKey = (callId: string): string => `tool:${callId}`;

/**
 * A turn as the spans of OpenTelemetry's conventions for generative AI, derived from its events and from nothing else: `invoke_agent` for
 * the lead and each subagent, the latter below the `execute_tool` of the call that it works for; `chat` for each model call, with its
 * attempts as events.
 */
export function spansOf(events: readonly TaskEvent[], traced: Traced): TraceSpan[] {
  const { turnId } = traced;
  const spans = openSpans(turnId);
  let last = 0;
  let ended: EventOf<'turn.ended'> | undefined;
  for (const event of events) {
    if (!('turnId' in event) || event.turnId !== turnId) continue;
    // What follows a turn's end is no part of it, but for its checks.
    if (ended !== undefined && !event.type.startsWith('check.')) continue;
    last = event.at;
    if (event.type === 'turn.ended') ended = event;
    tell(spans, event, traced);
  }
  return spans.close(ended?.at ?? last, ended === undefined ? undefined : INTERRUPTED);
}

type Tellers = {
  [Type in TaskEventType]?: (spans: OpenSpans, event: EventOf<Type>, traced: Traced) => void;
};

const tellers: Tellers = {
  'turn.started': (spans, { turnId, at }, { taskId }) =>
    spans.begin(agentKey(turnId), {
      ...{ name: 'invoke_agent lead', kind: 'internal', startAt: at },
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.id': turnId,
        'gen_ai.agent.name': 'lead',
        'gen_ai.conversation.id': taskId,
      },
    }),
  'message.delivered': (spans, event, { withContent }) =>
    spans.note(agentKey(event.turnId), 'handoff.message', event.at, withContent ? contentOf(event) : {}),
  'turn.ended': (spans, { turnId, at, outcome, error }) => {
    spans.set(agentKey(turnId), { 'handoff.outcome': outcome });
    spans.end(agentKey(turnId), at, outcome === 'failed' ? (error?.code ?? 'failed') : undefined);
  },
  'agent.started': (spans, event, { taskId, withContent }) => {
    const { agentId, role, kind, model, depth, at } = event;
    spans.begin(
      agentKey(agentId),
      {
        ...{ name: `invoke_agent ${role}`, kind: 'internal', startAt: at },
        attributes: {
          'gen_ai.operation.name': 'invoke_agent',
          'gen_ai.agent.id': agentId,
          'gen_ai.agent.name': role,
          'gen_ai.conversation.id': taskId,
          ...modelAttributes(model),
          'handoff.agent.kind': kind,
          'handoff.agent.depth': depth,
          ...(withContent ? contentOf(event) : {}),
        },
      },
      toolKey(agentId),
    );
  },
  'agent.ended': (spans, { agentId, at, outcome, error }) => {
    spans.set(agentKey(agentId), { 'handoff.outcome': outcome });
    const isWell = outcome === 'completed' || outcome === 'stopped';
    spans.end(agentKey(agentId), at, isWell ? undefined : (error?.code ?? outcome));
  },

  'model.called': (spans, event, { taskId }) => {
    const { messageId, attempt, at, model } = event;
    if (spans.has(chatKey(messageId))) {
      spans.note(chatKey(messageId), 'handoff.attempt', at, {
        attempt,
        'gen_ai.request.model': nameOf(model),
      });
    } else beginChat(spans, event, model, taskId);
  },
  'model.retried': (spans, { messageId, attempt, at, reason, next }) =>
    spans.note(chatKey(messageId), 'handoff.retry', at, {
      attempt,
      'error.type': reason.code,
      ...(next === undefined ? {} : { 'handoff.next_model': next }),
    }),
  'model.spent': (spans, event) => spend(spans, chatKey(event.messageId), event, event.usage),
  'model.answered': (spans, event, { taskId, withContent }) => {
    const { messageId, at, model, toolCalls, isCut, usage } = event;
    const key = chatKey(messageId);
    if (!spans.has(key)) beginChat(spans, event, model ?? '', taskId);
    const reason = isCut ? 'length' : toolCalls.length > 0 ? 'tool_call' : 'stop';
    spans.set(key, {
      ...(model === undefined ? {} : { 'gen_ai.response.model': nameOf(model) }),
      'gen_ai.response.finish_reasons': [reason],
      ...(withContent ? contentOf(event) : {}),
    });
    spans.end(key, at);
    spend(spans, key, event, usage);
  },
  'context.cut': (spans, event, { taskId }) => {
    const { at, seq, tokensBefore, tokensAfter, model, usage } = event;
    spans.note(ownerOf(event), 'handoff.context_cut', at, {
      'handoff.tokens_before': tokensBefore,
      'handoff.tokens_after': tokensAfter,
    });
    if (usage === undefined) return;
    // The same answer may be prepared by several cuts.
    const messageId = `${event.messageId}:cut:${seq}`;
    beginChat(spans, { ...event, messageId }, model ?? '', taskId);
    spans.end(chatKey(messageId), at);
    spend(spans, chatKey(messageId), event, usage);
  },

  'tool.started': (spans, event, { withContent }) => {
    const { callId, name, at } = event;
    spans.begin(
      toolKey(callId),
      {
        ...{ name: `execute_tool ${name}`, kind: 'internal', startAt: at },
        attributes: {
          'gen_ai.operation.name': 'execute_tool',
          'gen_ai.tool.name': name,
          'gen_ai.tool.call.id': callId,
          'gen_ai.tool.type': name.startsWith('mcp__') ? 'extension' : 'function',
          ...(withContent ? contentOf(event) : {}),
        },
      },
      ownerOf(event),
    );
  },
  'tool.finished': (spans, event, { withContent }) => {
    if (withContent) spans.set(toolKey(event.callId), contentOf(event));
    spans.end(toolKey(event.callId), event.at, event.isError ? 'tool_error' : undefined);
  },

  'agent.nudged': (spans, event) =>
    spans.note(ownerOf(event), 'handoff.nudge', event.at, { 'handoff.reason': event.reason }),
  'agent.stopping': (spans, { agentId, at }) => spans.note(agentKey(agentId), 'handoff.stopping', at),
  'agent.merged': (spans, { agentId, at, isDiscarded, ...paths }) =>
    spans.note(agentKey(agentId), 'handoff.merged', at, {
      'handoff.changed': paths.changedCount ?? paths.changed.length,
      'handoff.conflicts': paths.conflictCount ?? paths.conflicts.length,
      'handoff.discarded': isDiscarded,
    }),
  'fact.staled': (spans, { agentId, at, by }) =>
    spans.note(agentKey(agentId), 'handoff.fact_staled', at, { 'handoff.by': by }),
  'spend.held': (spans, event) =>
    spans.note(ownerOf(event), 'handoff.spend_held', event.at, { 'handoff.cap': event.cap }),
  'hook.ran': (spans, { turnId, at, name, outcome }) =>
    spans.note(agentKey(turnId), 'handoff.hook', at, { 'handoff.hook': name, 'handoff.outcome': outcome }),
  'turn.waiting': (spans, { turnId, at, reason }) =>
    spans.note(agentKey(turnId), 'handoff.waiting', at, { 'error.type': reason.code }),
  'turn.parked': (spans, { turnId, at }) => spans.note(agentKey(turnId), 'handoff.parked', at),
  'turn.continued': (spans, { turnId, at }) => spans.note(agentKey(turnId), 'handoff.continued', at),
  'turn.stopping': (spans, { turnId, at }) => spans.note(agentKey(turnId), 'handoff.stopping', at),
  'check.finished': (spans, { turnId, at, name, outcome }) =>
    spans.note(agentKey(turnId), 'handoff.check', at, { 'handoff.check': name, 'handoff.outcome': outcome }),
};

function tell<Type extends TaskEventType>(spans: OpenSpans, event: EventOf<Type>, traced: Traced): void {
  const teller = tellers[event.type as Type];
  teller?.(spans, event, traced);
}

type ByAgent = { turnId: string; agentId?: string | undefined };

const ownerOf = ({ turnId, agentId = turnId }: ByAgent): string => agentKey(agentId);

function beginChat(
  spans: OpenSpans,
  event: ByAgent & { messageId: string; at: number },
  model: string,
  taskId: string,
): void {
  spans.begin(
    chatKey(event.messageId),
    {
      ...{ name: `chat ${nameOf(model)}`.trim(), kind: 'client', startAt: event.at },
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.conversation.id': taskId,
        ...modelAttributes(model),
      },
    },
    ownerOf(event),
  );
}

/** What a call used counts for it, for the agent that made it, and for all that it works for. */
function spend(spans: OpenSpans, key: string, { turnId, agentId }: ByAgent, usage: Usage): void {
  const used = usageAttributes(usage);
  spans.add(key, used);
  spans.add(agentKey(turnId), used);
  // Ids grow to the right: `turnId:m3c1:m2c0` works for `turnId:m3c1`.
  for (
    let id = agentId;
    id !== undefined && id.length > turnId.length;
    id = id.slice(0, id.lastIndexOf(':'))
  ) {
    spans.add(agentKey(id), used);
  }
}

function usageAttributes({
  inputTokens,
  outputTokens,
  cachedInputTokens,
  costMicros,
}: Usage): Record<string, number> {
  return {
    ...(inputTokens === undefined ? {} : { 'gen_ai.usage.input_tokens': inputTokens }),
    ...(outputTokens === undefined ? {} : { 'gen_ai.usage.output_tokens': outputTokens }),
    ...(cachedInputTokens === undefined ? {} : { 'gen_ai.usage.cache_read.input_tokens': cachedInputTokens }),
    // The conventions have no name for it: millionths of a US dollar.
    ...(costMicros === undefined ? {} : { 'handoff.usage.cost_micros': costMicros }),
  };
}

/** `provider/model`, or the model of the one provider that there is. */
const nameOf = (ref: string): string => ref.slice(ref.indexOf('/') + 1);

function modelAttributes(ref: string): Attributes {
  const slash = ref.indexOf('/');
  const provider = slash > 0 ? ref.slice(0, slash) : UNNAMED_PROVIDER;
  return {
    'gen_ai.provider.name': provider,
    ...(ref === '' ? {} : { 'gen_ai.request.model': nameOf(ref) }),
  };
}
