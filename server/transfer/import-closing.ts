import { usageOf } from '../agent/halt.ts';
import type { Failure } from '../protocol/errors.ts';
import type { KeyedEvent } from '../tasks/event-log.ts';
import type { ImportedRecord } from './import-record.ts';

/**
 * What an imported task's log says before anything else: what was under way elsewhere is over, and has no machine here. Nothing is
 * accepted: that a person here decided so cannot be known, and what is accepted may be pushed. Nor may anything be done unasked.
 */
export function closingEvents({ task, state, answers }: ImportedRecord): KeyedEvent[] {
  const events: KeyedEvent[] = [];
  for (const { turnId, endedAt } of state.turns) {
    if (endedAt !== undefined) continue;
    const usage = usageOf(answers, turnId);
    events.push({
      key: `${turnId}:ended`,
      event: { type: 'turn.ended', turnId, outcome: 'failed', error: INTERRUPTED, usage },
    });
  }
  const { publish, sandbox, review } = state;
  if (review && task.prepared) {
    const { baseTree } = task.prepared;
    events.push({
      key: `imported:${task.seq}:review`,
      event: {
        type: 'review.decided',
        revision: review.revision,
        decisions: review.files.map(({ path, accepted, rejected }) => ({
          path,
          hashes: [...accepted, ...rejected],
          state: 'pending',
        })),
        acceptedTree: baseTree,
      },
    });
  }
  if (publish && publish.stage !== 'opened' && publish.stage !== 'failed') {
    const { publishId } = publish;
    events.push({
      key: `${publishId}:imported`,
      event: { type: 'publish.failed', publishId, error: NOT_PUBLISHED },
    });
  }
  if (state.unattendedUntil !== undefined) {
    events.push({
      key: `imported:${task.seq}:unattended`,
      event: { type: 'unattended.ended', reason: 'cancelled' },
    });
  }
  if (state.follow && state.follow.autoFix > 0) {
    events.push({ key: `imported:${task.seq}:follow`, event: { type: 'follow.changed', autoFix: 0 } });
  }
  if (sandbox) {
    const detail = 'The next message gets a new sandbox, with the work as it was proposed last.';
    events.push({
      key: `imported:${task.seq}:sandbox`,
      event: { type: 'sandbox.changed', state: 'gone', detail },
    });
  }
  return [...events, { key: `imported:${task.seq}`, event: { type: 'task.imported' } }];
}

const INTERRUPTED: Failure = {
  code: 'interrupted',
  message: 'The task was exported while this turn was under way.',
  nextAction: 'What was done by then is kept. Send a message to go on.',
};

const NOT_PUBLISHED: Failure = {
  code: 'interrupted',
  message: 'The task was exported while this was being published.',
  nextAction: 'Look at the pull requests of the repository, then publish again.',
};
