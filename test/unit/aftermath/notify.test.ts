import assert from 'node:assert/strict';
import { type Notification, notificationOf, notify } from '../../../server/aftermath/notify.ts';
import { emptyTask, reduce } from '../../../server/protocol/reduce.ts';
import type { TaskState } from '../../../server/protocol/task.ts';
import { type Listener, listen, readJsonObject, sendJson } from '../../fakes/http.ts';
import { logLines } from './log-lines.ts';

const NOTIFICATION: Notification = {
  text: 'Handoff: “Title” completed: 1 file changed.',
  taskId: 'task',
  turnId: 'turn',
  title: 'Title',
  outcome: 'completed',
  changedFiles: 1,
  checks: { passed: 0, failed: 0 },
};

describe('telling of a turn’s end', () => {
  let listener: Listener;
  afterEach(() => listener.close());

  /** Notifies somebody who answers with these statuses, one after the other. */
  async function tell(statuses: number[], headers: Record<string, string> = {}) {
    const received: unknown[] = [];
    listener = await listen(async (request, response) => {
      received.push([request.method, request.headers['idempotency-key'], await readJsonObject(request)]);
      sendJson(response, statuses[received.length - 1] ?? 200, {}, headers);
    });
    const { logger, lines } = logLines();
    await notify({ url: `${listener.url}/secret`, fetch, logger, firstDelayMs: 1 }, NOTIFICATION);
    return { received, lines };
  }

  const SAID = ['POST', 'turn', { ...NOTIFICATION }];

  it('is done once where it is heard', async () => {
    assert.deepEqual(await tell([204]), { received: [SAID], lines: [] });
  });

  it('is tried again what may pass, under the same key', async () => {
    const { received, lines } = await tell([503, 429, 200]);
    assert.deepEqual(received, [SAID, SAID, SAID]);
    assert.deepEqual(
      lines.map(({ attempt, why }) => [attempt, why]),
      [
        [1, 'status 503'],
        [2, 'status 429'],
      ],
    );
  });

  it('is given up after three times, and at once where the listener refuses', async () => {
    assert.equal((await tell([500, 500, 500, 500])).received.length, 3);
    await listener.close();
    assert.equal((await tell([404])).received.length, 1);
  });

  it('follows nobody elsewhere, and says its address to nobody', async () => {
    const { received, lines } = await tell([307, 307, 307], { location: '/elsewhere' });
    assert.equal(received.length, 3);
    await listener.close();
    const { logger, lines: unheard } = logLines();
    await notify({ url: `${listener.url}/secret`, fetch, logger, firstDelayMs: 1 }, NOTIFICATION);
    assert.equal(unheard.length, 3);
    assert.ok(!JSON.stringify([lines, unheard]).includes('secret'));
  });
});

describe('what is told of a turn’s end', () => {
  const begun = (title: string): TaskState =>
    [
      {
        type: 'task.created' as const,
        seq: 1,
        at: 1,
        taskId: 'task',
        title,
        source: { repository: 'r', commit: '0'.repeat(40), overlayFiles: 0 },
      },
      { type: 'turn.started' as const, seq: 2, at: 2, turnId: 'turn' },
    ].reduce(reduce, emptyTask('task'));
  const ended = (state: TaskState, outcome: 'completed' | 'stopped'): TaskState =>
    reduce(state, { type: 'turn.ended', seq: state.seq + 1, at: 3, turnId: 'turn', outcome, usage: {} });
  const checked = (state: TaskState, name: string, outcome: 'passed' | 'failed' | 'cancelled'): TaskState => {
    const check = { turnId: 'turn', name };
    return [
      { type: 'check.started' as const, seq: state.seq + 1, at: 4, ...check, command: 'c' },
      {
        type: 'check.finished' as const,
        seq: state.seq + 2,
        at: 5,
        ...check,
        outcome,
        output: 'o',
        durationMs: 1,
      },
    ].reduce(reduce, state);
  };

  it('is nothing before it has ended', () => {
    assert.equal(notificationOf(begun('T'), 'turn'), undefined);
    assert.equal(notificationOf(begun('T'), 'another'), undefined);
  });

  it('counts what changed and how checks ended, and escapes what chat services would act upon', () => {
    const stopped = ended(begun('a < b & <@U1>'), 'stopped');
    assert.deepEqual(notificationOf(stopped, 'turn'), {
      text: 'Handoff: “a &lt; b &amp; &lt;@\u200bU1&gt;” stopped: 0 files changed.',
      taskId: 'task',
      turnId: 'turn',
      title: 'a < b & <@U1>',
      outcome: 'stopped',
      changedFiles: 0,
      checks: { passed: 0, failed: 0 },
    });
    const passed = checked(checked(ended(begun('T'), 'completed'), 'one', 'passed'), 'two', 'cancelled');
    assert.equal(
      notificationOf(passed, 'turn')?.text,
      'Handoff: “T” completed: 0 files changed, all checks passed.',
    );
    assert.equal(
      notificationOf(checked(passed, 'three', 'failed'), 'turn')?.text,
      'Handoff: “T” completed: 0 files changed, 1 of 2 checks failed.',
    );
  });
});
