import type { Usage } from '../protocol/agent-events.ts';
import type { TaskEvent } from '../protocol/events.ts';

/** One model call as the book has it. */
export interface UsageEntry extends Usage {
  messageId: string;
  agentId?: string;
  /** `lead`, a kind of subagent, or `small` for what the relay has written for itself. */
  role: string;
  model: string;
  at: number;
}

/** Records of older versions do not name the model of each answer. */
const UNKNOWN_MODEL = 'unknown';

/** The model calls of a turn, its subagents' and its summaries' included, as the log has them. */
export function entriesOf(events: readonly TaskEvent[], turnId: string): UsageEntry[] {
  const entries: UsageEntry[] = [];
  const kinds = new Map<string, string>();
  const called = new Map<string, string>();
  const byWhom = (agentId: string | undefined): { agentId?: string; role: string } =>
    agentId === undefined ? { role: 'lead' } : { agentId, role: kinds.get(agentId) ?? 'explorer' };
  for (const event of events) {
    if (!('turnId' in event) || event.turnId !== turnId) continue;
    if (event.type === 'agent.started') kinds.set(event.agentId, event.kind);
    else if (event.type === 'model.called') called.set(event.messageId, event.model);
    else if (event.type === 'model.answered') {
      const { messageId, agentId, usage, at } = event;
      const model = event.model ?? called.get(messageId) ?? UNKNOWN_MODEL;
      entries.push({ messageId, ...byWhom(agentId), model, at, ...usage });
    } else if (event.type === 'model.spent') {
      const { agentId, attempt, model, usage, at } = event;
      const messageId = `${event.messageId}:spent:${attempt}`;
      entries.push({ messageId, ...byWhom(agentId), model, at, ...usage });
    } else if (event.type === 'context.cut' && event.usage) {
      const { agentId, usage, model = UNKNOWN_MODEL, at } = event;
      // The same message may be cut for more than once: what is known of each is when.
      const messageId = `${event.messageId}:cut:${event.seq}`;
      entries.push({
        messageId,
        ...(agentId === undefined ? {} : { agentId }),
        role: 'small',
        model,
        at,
        ...usage,
      });
    }
  }
  return entries;
}
