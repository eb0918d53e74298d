import assert from 'node:assert/strict';
import { factsIn, goneStale, staleLines } from '../../../../server/agent/agents/facts.ts';
import type { AgentCard, Fact } from '../../../../server/protocol/agents.ts';
import { emptyTask } from '../../../../server/protocol/reduce.ts';
import type { Item, TaskState } from '../../../../server/protocol/task.ts';

const [OLD, NEW] = ['1'.repeat(40), '2'.repeat(40)];
const fact = (path: string, stale?: Fact['stale']): Fact => ({
  ...{ path, startLine: 1, endLine: 2, blob: OLD },
  ...(stale === undefined ? {} : { stale }),
});
function agent(agentId: string, kind: AgentCard['kind'], facts: Fact[], items: Item[] = []): Item {
  const card: AgentCard = {
    ...{ agentId, parentId: agentId.slice(0, agentId.lastIndexOf(':')), role: kind, kind, facts },
    ...{ description: `Work of ${agentId}`, depth: agentId.split(':').length - 1, model: 'm' },
    ...{ startedAt: 0, lastAt: 0, deadlineAt: 1, budget: { modelCalls: 1 }, modelCalls: 0, tokens: 0 },
  };
  return { kind: 'tool', callId: agentId, name: 'task', input: {}, startedAt: 0, agent: card, items };
}
const state = (items: Item[]): TaskState => ({
  ...emptyTask('task'),
  turns: [{ turnId: 't', startedAt: 0, items }],
});
const named = (facts: ReturnType<typeof factsIn>) =>
  facts.map(({ agentId, fact: { path } }) => `${agentId} ${path}`);

describe('facts of explorers', () => {
  const tree = state([
    agent('t:a', 'explorer', [fact('a.ts')], [agent('t:a:b', 'explorer', [fact('b.ts')])]),
    agent('t:c', 'executor', [], [agent('t:c:d', 'explorer', [fact('d.ts')])]),
  ]);

  it('are about the workspace that they were found in: the task’s, or an executor’s copy', () => {
    assert.deepEqual(named(factsIn(tree, undefined)), ['t:a a.ts', 't:a:b b.ts']);
    assert.deepEqual(named(factsIn(tree, 't:c')), ['t:c:d d.ts']);
  });

  it('go stale once where their file is another, or gone, and not where it is what was read', () => {
    const facts = factsIn(
      state([
        agent('t:a', 'explorer', [
          ...[fact('changed.ts'), fact('changed.ts'), fact('gone.ts'), fact('same.ts'), fact('read-late.ts')],
          fact('known.ts', { by: 'person', blob: NEW, at: 1 }),
        ]),
      ]),
      undefined,
    );
    const changed = new Map([
      ['changed.ts', NEW],
      ['gone.ts', null],
      ['read-late.ts', OLD],
      ['known.ts', NEW],
      ['other.ts', NEW],
    ]);
    assert.deepEqual(named(goneStale(facts, changed)), ['t:a changed.ts', 't:a gone.ts']);
  });

  it('that hold no more are told to whom they were handed up, with who changed them', () => {
    const by = (by: string, blob: string | null = NEW) => ({ by, blob, at: 1 });
    const stale = state([
      agent('t:a', 'explorer', [
        ...[
          fact('a.ts', by('t')),
          fact('b.ts', by('earlier')),
          fact('c.ts', by('person', null)),
          fact('ok.ts'),
        ],
      ]),
      agent(
        't:c',
        'executor',
        [fact('x.ts')],
        [
          agent('t:c:d', 'explorer', [
            fact('d.ts', by('t:c')),
            fact('e.ts', by('t')),
            fact('f.ts', by('t:z')),
          ]),
        ],
      ),
    ]);
    assert.deepEqual(staleLines(stale, undefined), [
      'a.ts:1-2 (found by “Work of t:a”) was changed since by you',
      'b.ts:1-2 (found by “Work of t:a”) was changed since by you',
      'c.ts:1-2 (found by “Work of t:a”) was deleted since by the person',
    ]);
    assert.deepEqual(staleLines(stale, 't:c'), [
      'd.ts:1-2 (found by “Work of t:c:d”) was changed since by you',
      'e.ts:1-2 (found by “Work of t:c:d”) was changed since by your colleague',
      'f.ts:1-2 (found by “Work of t:c:d”) was changed since by the subagent z',
    ]);
  });
});
