import assert from 'node:assert/strict';
import { describe as describeTask, table } from '../../../server/cli/commands/tasks.ts';
import type { TaskState, TaskSummary } from '../../../server/protocol/task.ts';

const NOW = Date.UTC(2025, 4, 1);
const summary = (change: Partial<TaskSummary>): TaskSummary => ({
  ...{ taskId: 't1', seq: 9, title: 'Add miles', status: 'completed', createdAt: NOW, updatedAt: NOW },
  ...{ repository: 'trip-log', changedFiles: 3 },
  ...change,
});

describe('tasks', () => {
  it('are a table with when each was last touched', () => {
    const minutes = (count: number) => NOW - count * 60_000;
    const text = table(
      [
        summary({}),
        summary({ taskId: 'task-22', status: 'running', updatedAt: minutes(59), title: 'Fix \u001b[31mit' }),
        summary({ updatedAt: minutes(60), pullRequestUrl: 'https://github.com/a/b/pull/1' }),
        summary({ updatedAt: minutes(72 * 60), changedFiles: 12 }),
      ],
      NOW,
    );
    assert.equal(
      text,
      [
        'TASK     STATUS     UPDATED     FILES  TITLE',
        't1       completed  just now    3      Add miles',
        'task-22  running    59 min ago  3      Fix [31mit',
        't1       completed  1 h ago     3      Add miles  https://github.com/a/b/pull/1',
        't1       completed  3 days ago  12     Add miles',
        '',
      ].join('\n'),
    );
  });

  it('say how to make a first one', () => {
    assert.equal(table([], NOW), 'No tasks yet: npm start -- run "<prompt>" --repo DIR\n');
  });

  it('that ask or wait say what, and how to answer', () => {
    const question = { questionId: 'q', question: 'Which?', options: [{ label: 'This' }], freeText: false };
    const task: TaskState = {
      ...{ taskId: 't1', seq: 5, title: 'Add miles', status: 'asking', createdAt: NOW, updatedAt: NOW },
      turns: [
        {
          ...{ turnId: 'turn-1', startedAt: NOW, outcome: 'completed' },
          items: [
            { kind: 'question', ...question, answer: { kind: 'choice', label: 'This' }, at: NOW },
            { kind: 'question', ...question, answer: { kind: 'dismissed' }, at: NOW },
          ],
          checks: [
            {
              name: 'lint',
              command: 'npm run lint',
              outcome: 'failed',
              tree: 'a'.repeat(40),
              startedAt: NOW,
            },
            { name: 'test', command: 'npm test', startedAt: NOW },
          ],
        },
        {
          ...{ turnId: 'turn-2', startedAt: NOW },
          waiting: { code: 'no_slot', message: 'Others are first.' },
          items: [{ kind: 'question', ...question, at: NOW }],
        },
      ],
      ...{ queue: [], todos: [], threads: [] },
    };
    assert.equal(
      describeTask(task),
      [
        'Add miles',
        'task t1, asking',
        '',
        ...['? Which?', 'you: This', '? Which?', 'you: (no answer)'],
        ...['check lint: failed on tree aaaaaaaaaaaa', 'check test: running'],
        '',
        ...['? Which?', '  1. This', '! Others are first.'],
        '',
        'Answer with: npm start -- tasks answer t1 "<text or number>"',
        '',
      ].join('\n'),
    );
  });

  it('are shown one by one with what was said, done, changed and published', () => {
    const task: TaskState = {
      ...{ taskId: 't1', seq: 20, title: 'Add miles', status: 'failed', createdAt: NOW, updatedAt: NOW },
      source: { repository: 'trip-log', commit: 'c'.repeat(40), overlayFiles: 0 },
      turns: [
        {
          ...{ turnId: 'turn-1', startedAt: NOW, outcome: 'failed' },
          error: { code: 'model_unavailable', message: 'The model is gone.', nextAction: 'Try later.' },
          items: [
            { kind: 'user', messageId: 'm0', text: 'Add miles', at: NOW },
            { kind: 'text', messageId: 'm1', attempt: 1, text: 'On it.', done: true },
            {
              kind: 'tool',
              callId: 'c1',
              name: 'shell',
              input: {},
              output: 'no',
              isError: true,
              startedAt: NOW,
            },
            { kind: 'notice', level: 'warning', text: 'Trying again.', at: NOW },
          ],
        },
      ],
      ...{ queue: [], todos: [], threads: [] },
      proposal: {
        ...{ revision: 2, baseTree: 'a'.repeat(40), headTree: 'b'.repeat(40) },
        files: [
          { path: 'src/a.js', status: 'modified', binary: false, additions: 4, deletions: 1 },
          { path: 'logo.png', status: 'added', binary: true, additions: 0, deletions: 0 },
        ],
      },
      publish: {
        ...{ publishId: 'p', stage: 'failed', branch: 'x', acceptedTree: 'b'.repeat(40) },
        error: { code: 'pull_request_forbidden', message: 'GitHub refused.' },
        compareUrl: 'https://github.com/a/b/compare/x',
      },
    };
    assert.equal(
      describeTask(task),
      [
        'Add miles',
        'task t1, failed, from trip-log at cccccccccccc',
        '',
        'you: Add miles',
        'On it.',
        '> shell (failed)',
        '! Trying again.',
        '! The model is gone. Try later.',
        '',
        'Changed files (revision 2):',
        '  modified     src/a.js +4 -1',
        '  added        logo.png (binary)',
        '',
        'Pull request: failed',
        '! GitHub refused.',
        'Open it by hand: https://github.com/a/b/compare/x',
        '',
      ].join('\n'),
    );
  });
});
