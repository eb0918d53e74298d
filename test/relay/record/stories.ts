import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { KeyedEvent } from '../../../server/tasks/event-log.ts';

const OID = 'a'.repeat(40);
const usage = {};

/** How one answer of the model came about. */
interface Answer {
  /** What became of each attempt, and in how many pieces its text came. */
  attempts: { pieces: number; end: 'retried' | 'killed' | 'killed, and a message came' }[];
  pieces: number;
  isSilent: boolean;
  /** Of each command that it asked for, how often it printed; `subagent`: what it did instead. */
  calls: { prints: number; subagent?: Answer[] | undefined }[];
}

interface Story {
  answers: Answer[];
  /** What is in the middle of something when the turn ends. */
  cutOff: 'nothing' | 'text' | 'output';
}

const attempts = fc.array(
  fc.record({
    pieces: fc.nat({ max: 3 }),
    end: fc.constantFrom('retried' as const, 'killed' as const, 'killed, and a message came' as const),
  }),
  { maxLength: 3 },
);
const answer = (depth: number): fc.Arbitrary<Answer> =>
  fc.record({
    attempts,
    pieces: fc.nat({ max: 4 }),
    isSilent: fc.boolean(),
    calls: fc.array(
      fc.record({
        prints: fc.nat({ max: 4 }),
        subagent:
          depth === 0
            ? fc.constant(undefined)
            : fc.option(fc.array(answer(depth - 1), { maxLength: 2 }), { nil: undefined }),
      }),
      { maxLength: 2 },
    ),
  });

/** Turns as an agent may live them: cut off, taken over, with subagents, ended in the middle. */
export const stories: fc.Arbitrary<Story[]> = fc.array(
  fc.record({
    answers: fc.array(answer(1), { maxLength: 3 }),
    cutOff: fc.constantFrom('nothing' as const, 'text' as const, 'output' as const),
  }),
  { minLength: 1, maxLength: 2 },
);

export const created = (taskId: string): KeyedEvent => ({
  key: 'created',
  event: {
    type: 'task.created',
    taskId,
    title: 'Story',
    source: { repository: 'shop', commit: OID, overlayFiles: 0 },
  },
});

/** The events of a turn, with the keys that the agent gives them. */
export function told(story: Story, turnId: string): KeyedEvent[] {
  const log: KeyedEvent[] = [{ key: `${turnId}:started`, event: { type: 'turn.started', turnId } }];
  const by = (agentId: string) => (agentId === turnId ? {} : { agentId, parentId: turnId });
  const say = (agentId: string, messageId: string, attempt: number, pieces: number): void => {
    log.push({
      key: `${messageId}:called:${attempt}`,
      event: { type: 'model.called', turnId, ...by(agentId), messageId, attempt, model: 'm' },
    });
    for (let index = 0; index < pieces; index++)
      log.push({
        key: `${messageId}:${attempt}:text:${index}`,
        event: {
          type: 'text.delta',
          turnId,
          ...by(agentId),
          messageId,
          attempt,
          text: `${attempt}.${index}\0 `,
        },
      });
  };
  const begin = (agentId: string, callId: string, name: string, prints: number): void => {
    log.push({
      key: `${callId}:started`,
      event: { type: 'tool.started', turnId, ...by(agentId), callId, name, input: {} },
    });
    for (let index = 0; index < prints; index++)
      log.push({
        key: `${callId}:output:${index % 2 ? 'stdout' : 'stderr'}:${index}`,
        event: {
          type: 'tool.output',
          turnId,
          ...by(agentId),
          callId,
          stream: index % 2 ? 'stdout' : 'stderr',
          text: `${index}\ud83d\n`,
        },
      });
  };
  const live = (agentId: string, messageId: string, lived: Answer): void => {
    for (const [index, { pieces, end }] of lived.attempts.entries()) {
      const attempt = index + 1;
      say(agentId, messageId, attempt, pieces);
      const reason = { code: 'model_unavailable' as const, message: 'Away.' };
      if (end === 'retried')
        log.push({
          key: `${messageId}:retried:${attempt}`,
          event: {
            type: 'model.retried',
            turnId,
            ...by(agentId),
            messageId,
            attempt,
            reason,
            delayMs: 1,
          },
        });
      else if (end !== 'killed' && agentId === turnId) {
        const sent = randomUUID();
        log.push(
          { key: `queued:${sent}`, event: { type: 'message.queued', messageId: sent, text: 'More' } },
          {
            key: `message:${sent}`,
            event: { type: 'message.delivered', turnId, messageId: sent, text: 'More' },
          },
        );
      }
    }
    const attempt = lived.attempts.length + 1;
    say(agentId, messageId, attempt, lived.pieces);
    log.push({
      key: `${messageId}:answered`,
      event: {
        type: 'model.answered',
        turnId,
        ...by(agentId),
        messageId,
        attempt,
        text: lived.isSilent ? '' : 'All of it.',
        toolCalls: [],
        usage,
      },
    });
    for (const [index, call] of lived.calls.entries()) {
      const callId = `${messageId}c${index}`;
      const name = call.subagent ? 'task' : 'bash';
      begin(agentId, callId, name, call.subagent ? 0 : call.prints);
      for (const [n, within] of (call.subagent ?? []).entries()) live(callId, `${callId}:m${n + 1}`, within);
      log.push({
        key: `${callId}:finished`,
        event: {
          type: 'tool.finished',
          turnId,
          ...by(agentId),
          callId,
          name,
          output: 'out\0put',
          isError: false,
          durationMs: 1,
        },
      });
    }
  };
  for (const [n, lived] of story.answers.entries()) live(turnId, `${turnId}:m${n + 1}`, lived);
  const last = `${turnId}:m${story.answers.length + 1}`;
  if (story.cutOff === 'text') say(turnId, last, 1, 2);
  if (story.cutOff === 'output') begin(turnId, `${last}c0`, 'bash', 2);
  log.push({
    key: `${turnId}:ended`,
    event: { type: 'turn.ended', turnId, outcome: 'stopped', usage },
  });
  return log;
}
