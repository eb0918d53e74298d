import assert from 'node:assert/strict';
import type { NewEvent } from '../../../server/protocol/events.ts';
import { reduce } from '../../../server/protocol/reduce.ts';
import { ago, count, duration, wholeSeconds } from '../../../webview-ui/format.ts';
import { shortRepository } from '../../../webview-ui/repository.ts';
import { nextTool, type Row, rowsOf, type ToolItem, toolOf } from '../../../webview-ui/rows.ts';
import { lastAction, spokenSummary, todoItems } from '../../../webview-ui/tools/summary.ts';
import { delegated, delegating, EXECUTOR } from '../../webview/agents-story.ts';
import { answered, asking, explored, exploring, waiting } from '../../webview/durable-story.ts';
import { finished, log, taskOf, working } from '../../webview/story.ts';

const kinds = (rows: Row[]) => rows.map((row) => (row.kind === 'item' ? row.item.kind : row.kind));

describe('rows of the transcript', () => {
  it('end with what goes on, and then with how it ended', () => {
    assert.deepEqual(kinds(rowsOf(taskOf(log(working)))), [
      'user',
      ...['tool', 'tool', 'tool', 'text', 'tool', 'tool', 'tool'],
      'working',
    ]);
    assert.deepEqual(kinds(rowsOf(taskOf(log(finished)))).slice(-3), ['tool', 'text', 'turnEnd']);
  });

  it('end with the question that is asked, in place of the call that asks it', () => {
    const shown = (events: NewEvent[]) => kinds(rowsOf(taskOf(log(events)))).slice(4);
    assert.deepEqual(shown(asking), ['text', 'question']);
    assert.deepEqual(shown([...asking, ...answered]), ['text', 'question', 'working']);
    const refused = asking.filter(({ type }) => type !== 'question.asked' && type !== 'turn.parked');
    assert.deepEqual(shown(refused), ['text', 'tool', 'working']);
  });

  it('say why a turn waits', () => {
    const last = rowsOf(taskOf(log(waiting))).at(-1);
    assert.equal(last?.kind === 'working' && last.waiting?.message, 'The disk of the relay is full.');
  });

  it('have keys of their own, the same in every rendering', () => {
    const keys = (count: number) => rowsOf(taskOf(log(finished.slice(0, count)))).map(({ key }) => key);
    assert.equal(new Set(keys(finished.length)).size, keys(finished.length).length);
    assert.deepEqual(keys(finished.length).slice(0, 5), keys(16).slice(0, 5));
  });

  it('are the same objects for what an event did not change, so that only the rest is rendered', () => {
    const before = taskOf(log(finished.slice(0, 10)));
    const after = log(finished).slice(10, 12).reduce(reduce, before);
    const [earlier, later] = [rowsOf(before), rowsOf(after)];
    assert.deepEqual(
      earlier.map((row, index) => row === later[index]),
      [true, true, true, false, false],
    );
  });

  it('are gone through tool by tool, and stop at either end', () => {
    const rows = rowsOf(taskOf(log(finished)));
    const path: string[] = [];
    for (let at = nextTool(rows, -1, 1); at !== -1; at = nextTool(rows, at, 1))
      path.push(toolOf(rows[at])?.callId ?? '');
    assert.deepEqual(path, ['c1', 'c2', 'c3', 'c4', 'c5', 'c6']);
    assert.equal(nextTool(rows, 1, -1), -1);
  });
});

describe('one line for a tool call', () => {
  const tool = (name: string, input: unknown, rest: Partial<ToolItem> = {}): ToolItem => ({
    kind: 'tool',
    callId: 'c',
    name,
    input,
    startedAt: 0,
    output: '',
    ...rest,
  });
  const cases: [ToolItem, string][] = [
    [tool('read', { path: 'a.ts' }), 'Read a.ts'],
    [tool('read', { path: 'a.ts', offset: 10, limit: 5 }), 'Read a.ts lines 10–14'],
    [tool('read', { path: 'a.ts', offset: 10 }), 'Read a.ts from line 10'],
    [tool('write', { path: 'a.ts', content: 'one\ntwo' }), 'Wrote a.ts 2 lines'],
    [tool('write', { path: 'a.ts', content: '' }), 'Wrote a.ts 0 lines'],
    [tool('edit', { path: 'a.ts', replaceAll: true }), 'Edited a.ts all occurrences'],
    [tool('edit', { path: 'a.ts' }, { isError: true }), 'Edit a.ts failed'],
    [
      tool('glob', { pattern: '*.ts' }, { output: 'a.ts\nb.ts\n[only the newest 2; narrow the pattern]' }),
      'Found files *.ts 2 results',
    ],
    [
      tool('grep', { pattern: 'x', path: 'src' }, { output: 'Nothing matches x.' }),
      'Searched x in src no results',
    ],
    [tool('bash', { command: 'npm test\nnpm run lint' }, { durationMs: 1240 }), 'Ran npm test 1.2 s'],
    [
      tool('bash', { command: 'npm test' }, { durationMs: 900, isError: true, output: 'no\n[exit code 2]' }),
      'Ran npm test 900 ms exit 2',
    ],
    [tool('bash', { command: 'sleep 9' }, { isError: true, output: '[stopped' }), 'Ran sleep 9 failed'],
    [
      tool('bash', { command: 'sleep 9' }, { isError: true, output: 'x\n[stopped by the user after 3 s]' }),
      'Ran sleep 9 stopped',
    ],
    [
      tool('todo', {
        items: [
          { text: 'a', status: 'completed' },
          { text: 'b', status: 'pending' },
        ],
      }),
      'Updated the plan 1 of 2 done',
    ],
    [tool('explore', { question: 'why' }, { durationMs: 61_000 }), 'Used explore 1 m 01 s'],
    [tool('ask_user', { question: 'Which?\nThis?' }, { isError: true }), 'Asked Which? failed'],
    [tool('task', { description: 'Find it' }, { durationMs: 2000 }), 'Explored Find it 2.0 s'],
    [tool('task', null, { isError: true }), 'Exploring failed'],
    [tool('reply', { threadId: 't', text: 'Done.\nIn cents.' }), 'Answered a comment Done.'],
    [tool('describe_changes', { title: 'Use cents', body: '' }), 'Described the pull request Use cents'],
    [tool('lesson', { what: 'It rounds', why: '', do: '' }), 'Noted a lesson It rounds'],
    [tool('skill', { name: 'release' }), 'Read the skill release'],
    [tool('fetch', { url: 'https://example.com/' }), 'Fetched https://example.com/'],
    [tool('propose_plan', { plan: 'First\nthen' }), 'Proposed a plan First'],
    [tool('report', { summary: 'Found it' }), 'Reported Found it'],
    [tool('stop_command', { handle: 'output://c1' }), 'Stopped a command output://c1'],
    [tool('mcp__tracker__find_issue', {}, { durationMs: 2000 }), 'Used tracker: find_issue 2.0 s'],
    [tool('mcp__', {}), 'Used mcp__'],
    [tool('read', null), 'Read'],
    [tool('bash', { command: 7 }), 'Ran'],
  ];
  for (const [item, line] of cases) it(line, () => assert.equal(spokenSummary(item), line));

  it('says how it went with a subagent, whose call may have ended as an error', () => {
    const spoken = (events: NewEvent[]) =>
      rowsOf(taskOf(log(events))).flatMap((row) => {
        const found = toolOf(row);
        return found === null ? [] : [spokenSummary(found)];
      })[0];
    assert.deepEqual([delegating, delegated].map(spoken), [
      'executor Move the cart to cents running',
      'executor Move the cart to cents done 8.0 s',
    ]);
    const ended = { type: 'agent.ended', turnId: 'turn-1', agentId: EXECUTOR, parentId: 'turn-1' } as const;
    const late: NewEvent[] = [...delegating, { ...ended, outcome: 'timed_out' }];
    assert.equal(spoken(late), 'executor Move the cart to cents out of time 5.2 s');
  });

  it('has what its subagent does now', () => {
    const action = (events: NewEvent[]) => {
      const found = toolOf(rowsOf(taskOf(log(events))).find((row) => toolOf(row)?.name === 'task'));
      return found && lastAction(found);
    };
    const steps = [5, 6, 8, exploring.length].map((count) => action(exploring.slice(0, count)));
    assert.deepEqual(steps, ['', 'I look for calls of round.', 'Searched round\\(', 'Read src/vat.ts']);
    assert.equal(action(explored), 'Read src/vat.ts');
  });

  it('reads a plan that a model got wrong as far as it goes', () => {
    assert.deepEqual(todoItems(tool('todo', { items: [{ text: 'a' }, 'b', null] })), [
      { text: 'a', status: '' },
      { text: '', status: '' },
      { text: '', status: '' },
    ]);
    assert.deepEqual(todoItems(tool('todo', { items: 'x' })), []);
  });
});

describe('numbers and times as people read them', () => {
  it('durations', () => {
    assert.deepEqual([0, 840, 1000, 9949, 9950, 59_600, 3_599_000, 3_720_000].map(duration), [
      ...['0 ms', '840 ms', '1.0 s', '9.9 s', '10 s', '1 m 00 s', '59 m 59 s', '1 h 02 m'],
    ]);
    assert.deepEqual([1400, 61_000].map(wholeSeconds), ['1 s', '1 m 01 s']);
  });

  it('counts', () => {
    assert.deepEqual([0, 999, 1000, 18_450, 999_949, 999_950].map(count), [
      '0',
      '999',
      '1k',
      '18.4k',
      '999.9k',
      '1M',
    ]);
  });

  it('ages', () => {
    const now = Date.UTC(2026, 0, 20);
    const minutes = (value: number) => ago(now - value * 60_000, now);
    assert.deepEqual([0, 5, 180, 2 * 1440, 10 * 1440].map(minutes), [
      'now',
      '5 min',
      '3 h',
      '2 d',
      '2026-01-10',
    ]);
  });

  it('repositories', () => {
    assert.deepEqual(
      [
        'https://github.com/a/b.git',
        'git@github.com:a/b.git',
        'ssh://git@host/a/b',
        'webshop',
        'https://host/a/b/',
      ].map(shortRepository),
      ['a/b', 'a/b', 'a/b', 'webshop', 'a/b'],
    );
  });
});
