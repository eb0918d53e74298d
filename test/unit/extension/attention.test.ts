import assert from 'node:assert/strict';
import { isLoopback } from '../../../extension/git/delegate-task.ts';
import {
  afterEvents,
  noticeOf,
  quoted,
  type Seen,
  stillSeen,
  waiting,
  withLook,
} from '../../../extension/ui/attention.ts';
import { sentence, toFailure } from '../../../extension/ui/failure.ts';
import { CaptureError } from '../../../server/protocol/capture-git.ts';
import { RelayError } from '../../../server/protocol/client.ts';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import { emptyTask, reduce } from '../../../server/protocol/reduce.ts';
import type { TaskState, TaskSummary } from '../../../server/protocol/task.ts';

const oid = 'a'.repeat(40);

describe('what a person is told of', () => {
  const file = { path: 'a', status: 'modified' as const, binary: false, additions: 1, deletions: 0 };
  const changed: TaskState = {
    ...emptyTask('t'),
    title: 'Fix it',
    status: 'completed',
    proposal: { revision: 1, baseTree: oid, headTree: oid, files: [file] },
  };
  const ended = (outcome: 'completed' | 'stopped' | 'failed'): TaskEvent => ({
    seq: 9,
    at: 9,
    type: 'turn.ended',
    turnId: 'u',
    outcome,
    usage: {},
    ...(outcome === 'failed' ? { error: { code: 'model_unavailable', message: 'No model.' } } : {}),
  });

  it('a turn that ended with changes is ready for review', () => {
    assert.deepEqual(noticeOf([ended('completed')], changed), {
      kind: 'review',
      taskId: 't',
      title: 'Fix it',
      files: 1,
    });
  });

  it('a failed one is told with its reason', () => {
    assert.deepEqual(noticeOf([ended('failed')], { ...changed, status: 'failed' }), {
      kind: 'failed',
      taskId: 't',
      title: 'Fix it',
      reason: 'No model.',
    });
  });

  it('a question is told once the turn waits for its answer, and only while it is open', () => {
    const question = { questionId: 'q', question: 'Which one?', options: [], freeText: true };
    const events: TaskEvent[] = [
      { seq: 1, at: 1, type: 'turn.started', turnId: 'u' },
      { seq: 2, at: 2, type: 'question.asked', turnId: 'u', ...question },
      { seq: 3, at: 3, type: 'turn.parked', turnId: 'u' },
    ];
    const states = [2, 3].map((count) => events.slice(0, count).reduce(reduce, emptyTask('t')));
    const [asked, parked] = states;
    assert.ok(asked && parked);
    assert.deepEqual(
      [noticeOf(events.slice(1, 2), asked), noticeOf(events.slice(2), parked), noticeOf([], parked)],
      [undefined, { kind: 'question', taskId: 't', title: '', question: 'Which one?' }, undefined],
    );
    const answered: TaskEvent = {
      ...{ seq: 4, at: 4, type: 'question.answered', turnId: 'u', questionId: 'q' },
      answer: { kind: 'text', text: 'This' },
    };
    assert.equal(noticeOf([...events.slice(2), answered], reduce(parked, answered)), undefined);
  });

  it('a model’s words make no link in a notification, and are short', () => {
    assert.equal(
      quoted('**See**\n[`this`](command:workbench.action.quit) now'),
      'See [this] (command:workbench.action.quit) now',
    );
    assert.equal(quoted('x'.repeat(300)), `${'x'.repeat(199)}…`);
  });

  it('nothing is said of an answer without changes, of a stop, or while the next turn runs', () => {
    const { proposal: _none, ...unchanged } = changed;
    assert.deepEqual(
      [
        noticeOf([ended('completed')], unchanged),
        noticeOf([ended('stopped')], { ...changed, status: 'stopped' }),
        noticeOf([ended('completed')], { ...changed, status: 'running' }),
        noticeOf([], changed),
      ],
      [undefined, undefined, undefined, undefined],
    );
  });

  const task = (taskId: string, other: Partial<TaskSummary> = {}): TaskSummary => ({
    taskId,
    seq: 5,
    title: '',
    status: 'completed',
    createdAt: 1,
    updatedAt: 1,
    repository: 'r',
    changedFiles: 1,
    ...other,
  });
  const seenReady: Seen = { t: { status: 'completed', changedFiles: 1 } };

  it('the badge counts what asks, and what ended, was not published and not looked at since', () => {
    const tasks = [
      task('ready'),
      task('failed', { status: 'failed', changedFiles: 0 }),
      task('seen', { seq: 7 }),
      task('failed since', { status: 'failed' }),
      task('changed since', { changedFiles: 2 }),
      task('published', { pullRequestUrl: 'https://example.com/1' }),
      task('only said something', { changedFiles: 0 }),
      task('runs', { status: 'running' }),
      task('waits for a slot', { status: 'waiting' }),
      task('asks', { status: 'asking', changedFiles: 0 }),
    ];
    const look = { status: 'completed' as const, changedFiles: 1 };
    const seen: Seen = {
      ...{ seen: look, 'failed since': look, 'changed since': look },
      asks: { status: 'asking', changedFiles: 0 },
    };
    assert.deepEqual(
      waiting(tasks, seen).map(({ taskId }) => taskId),
      ['ready', 'failed', 'failed since', 'changed since', 'asks'],
    );
  });

  it('what was seen is no news again after its sandbox hibernated or a check ended', () => {
    const quiet: TaskEvent[] = [
      { seq: 6, at: 6, type: 'check.started', turnId: 'u', name: 'test', command: 'npm test' },
      { seq: 7, at: 7, type: 'sandbox.changed', state: 'hibernated' },
    ];
    const later = [task('t', { seq: 7, updatedAt: 7 })];
    const seen = stillSeen(afterEvents(seenReady, 't', quiet), later);
    assert.equal(seen, seenReady);
    assert.deepEqual(waiting(later, seen), []);
  });

  it('the next turn’s end is news though it be like the one that was seen', () => {
    const running = stillSeen(seenReady, [task('t', { status: 'running' })]);
    const started: TaskEvent = { seq: 6, at: 6, type: 'turn.started', turnId: 'v' };
    const inOneBatch = afterEvents(seenReady, 't', [started, ended('completed')]);
    assert.deepEqual([running, inOneBatch], [{}, {}]);
    assert.deepEqual(waiting([task('t')], inOneBatch), [task('t')]);
  });

  it('nothing that was seen is forgotten before the list of tasks was read', () => {
    assert.equal(stillSeen(seenReady, []), seenReady);
  });

  it('a look is remembered once, and for as long as the task is listed', () => {
    const gone: Seen = { ...seenReady, gone: { status: 'failed', changedFiles: 0 } };
    const failed = task('t', { status: 'failed' });
    assert.equal(withLook(gone, [task('t')], task('t')), gone);
    assert.deepEqual(withLook(gone, [failed], failed), { t: { status: 'failed', changedFiles: 1 } });
  });
});

describe('failures as they are shown', () => {
  it('keep what the relay and the capture say', () => {
    assert.deepEqual(toFailure(new RelayError('conflict', 'No.', { status: 409, nextAction: 'Wait.' })), {
      code: 'conflict',
      message: 'No.',
      nextAction: 'Wait.',
    });
    assert.deepEqual(toFailure(new CaptureError('no-commits', 'Empty.', 'Commit.')), {
      code: 'source_unreadable',
      message: 'Empty.',
      nextAction: 'Commit.',
    });
    assert.equal(toFailure(new RelayError('unreachable', 'Gone.')).code, 'not_ready');
  });

  it('say nothing of what was not expected: it may hold anything', () => {
    const failure = toFailure(new Error('secret token gho_1'));
    assert.equal(failure.code, 'internal');
    assert.ok(!sentence(failure).includes('gho_1'));
  });
});

describe('a relay on this machine', () => {
  const URLS: [url: string, here: boolean][] = [
    ['http://127.0.0.1:7420', true],
    ['http://localhost:7420', true],
    ['http://[::1]:7420', true],
    ['https://relay.example.com', false],
    ['http://127.0.0.1.example.com', false],
    ['http://10.0.0.1', false],
  ];
  for (const [url, here] of URLS) it(`${url}: ${here}`, () => assert.equal(isLoopback(url), here));
});
