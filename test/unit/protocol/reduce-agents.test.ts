import assert from 'node:assert/strict';
import type { NewEvent, TaskEvent } from '../../../server/protocol/events.ts';
import { emptyTask, reduce } from '../../../server/protocol/reduce.ts';
import type { Item, TaskState } from '../../../server/protocol/task.ts';

const [TREE, BLOB, NEW] = ['1'.repeat(40), '2'.repeat(40), '3'.repeat(40)];
const events = (...news: NewEvent[]): TaskEvent[] =>
  news.map((event, index) => ({ ...event, seq: index + 1, at: (index + 1) * 10 }) as TaskEvent);
const stateAfter = (...news: NewEvent[]): TaskState => events(...news).reduce(reduce, emptyTask('task'));

const T = 't';
const parentOf = (id: string): string => id.slice(0, id.lastIndexOf(':'));
const by = (id: string) => ({ turnId: T, agentId: id, parentId: parentOf(id) });
/** The call that an agent works for, made by the one above it. */
const begins = (id: string, kind: 'explorer' | 'executor' = 'explorer'): NewEvent[] => [
  {
    type: 'tool.started',
    ...(parentOf(id) === T ? { turnId: T } : by(parentOf(id))),
    ...{ callId: id, name: 'task', input: { description: `Part ${id}` } },
  },
  {
    type: 'agent.started',
    ...by(id),
    ...{ role: kind, kind, description: `Part ${id}`, depth: id.split(':').length - 1, model: 'm' },
    ...{ deadlineAt: 99, budget: { modelCalls: 5 }, workspace: kind === 'executor' ? 'fork' : 'shared' },
  },
];
const answers = (id: string, n: number): NewEvent => ({
  type: 'model.answered',
  ...(id === T ? { turnId: T } : by(id)),
  ...{ messageId: `${id}:m${n}`, attempt: 1, text: '', toolCalls: [], model: 'm' },
  usage: { inputTokens: 10, outputTokens: 1, costMicros: 100 },
});
const started: NewEvent = { type: 'turn.started', turnId: T };

/** Cards by the ids of their agents, as deep as they are. */
function cardsIn(items: readonly Item[]): unknown[] {
  return items.flatMap((item) => {
    if (item.kind !== 'tool' || !item.agent) return [];
    const { agentId, modelCalls, tokens, costMicros, lastAction, outcome } = item.agent;
    return [[agentId, modelCalls, tokens, costMicros, lastAction, outcome], ...cardsIn(item.items ?? [])];
  });
}

describe('the tree of agents', () => {
  it('can be read four levels deep: each counts for itself and for all that it works for', () => {
    const [a, b, c] = ['t:m1c0', 't:m1c0:m1c0', 't:m1c0:m1c0:m1c0'];
    const state = stateAfter(
      started,
      answers(T, 1),
      ...begins(a, 'executor'),
      answers(a, 1),
      ...begins(b),
      answers(b, 1),
      ...begins(c),
      answers(c, 1),
      { type: 'tool.started', ...by(c), callId: `${c}:m1c0`, name: 'read', input: { path: 'a.ts' } },
      {
        type: 'agent.ended',
        ...by(c),
        outcome: 'timed_out',
        error: { code: 'agent_timed_out', message: 'Late.' },
      },
    );
    const [turn] = state.turns;
    assert.equal(turn?.costMicros, 400);
    assert.deepEqual(cardsIn(turn?.items ?? []), [
      [a, 3, 33, 300, `task Part ${b}`, undefined],
      [b, 2, 22, 200, `task Part ${c}`, undefined],
      [c, 1, 11, 100, 'read a.ts', 'timed_out'],
    ]);
  });

  it('shows what became of one: its facts, which may go stale, and its work', () => {
    const [a, b] = ['t:m1c0', 't:m1c1'];
    const place = { path: 'a.ts', startLine: 1, endLine: 2, blob: BLOB };
    const merged = { changed: ['a.ts'], conflicts: [], isDiscarded: false };
    const state = stateAfter(
      started,
      ...begins(a),
      {
        type: 'agent.ended',
        ...{ ...by(a), outcome: 'completed' },
        result: { kind: 'explorer', summary: 's', answer: 'a', evidence: [place] },
      },
      ...begins(b, 'executor'),
      { type: 'agent.merged', ...by(b), headTree: TREE, ...merged },
      { type: 'fact.staled', turnId: T, agentId: a, path: 'a.ts', blob: BLOB, now: NEW, by: b },
    );
    const cards = state.turns[0]?.items.flatMap((item) =>
      item.kind === 'tool' && item.agent ? [item.agent] : [],
    );
    assert.deepEqual(
      cards?.map((card) => [card.facts, card.merged]),
      [
        [[{ ...place, stale: { by: b, blob: NEW, at: 80 } }], undefined],
        [[], merged],
      ],
    );
    assert.equal(state.workspaceTree, TREE);
  });

  it('has none that stops, or works, after its end or its turn’s', () => {
    const [a, b] = ['t:m1c0', 't:m1c1'];
    const state = stateAfter(
      started,
      ...begins(a),
      ...begins(b),
      { type: 'agent.ended', ...by(a), outcome: 'completed' },
      { type: 'agent.stopping', turnId: T, agentId: a },
      { type: 'agent.stopping', turnId: T, agentId: b },
      { type: 'turn.ended', turnId: T, outcome: 'stopped', usage: {} },
    );
    const cards = state.turns[0]?.items.flatMap((item) =>
      item.kind === 'tool' && item.agent ? [item.agent] : [],
    );
    assert.deepEqual(
      cards?.map(({ outcome, isStopping, endedAt }) => [outcome, isStopping, endedAt]),
      [
        ['completed', undefined, 60],
        ['stopped', undefined, 90],
      ],
    );
  });
});
