import assert from 'node:assert/strict';
import { pino } from 'pino';
import type { Agent } from '../../../../server/agent/agent.ts';
import { conclude, type End } from '../../../../server/agent/agents/ending.ts';
import { roleNamed, rolesOf } from '../../../../server/agent/agents/roles.ts';
import { Unmerged } from '../../../../server/agent/agents/unmerged.ts';
import type { TurnContext } from '../../../../server/agent/turn-context.ts';
import type { NewEvent } from '../../../../server/protocol/events.ts';
import { SandboxError } from '../../../../server/sandbox/sandbox.ts';

const [BEFORE, AFTER] = ['1'.repeat(40), '2'.repeat(40)];
const LOST = { code: 'sandbox_lost', message: 'The sandbox was lost.' };
const LATE = { code: 'agent_timed_out' as const, message: 'It was late.' };
const work = { changed: ['a.ts'], treeBefore: BEFORE, treeAfter: AFTER };

/** An executor comes to that end, and its work cannot be brought home. */
async function ending(end: End): Promise<{ told: NewEvent[]; read: string; dropped: string[] }> {
  const told: NewEvent[] = [];
  const dropped: string[] = [];
  // What is called of a turn; all else would fail as not being there.
  const turn = {
    ...{ taskId: 'task', turnId: 'turn', claim: { turnId: 'turn', epoch: 1 }, mail: { mayBeThere: false } },
    logger: pino({ level: 'silent' }),
    signals: { of: async () => new AbortController().signal },
    store: { standing: async () => ({ state: 'running', epoch: 1 }) },
    log: {
      async append(_taskId: string, _claim: unknown, events: { event: NewEvent }[]) {
        told.push(...events.map(({ event }) => event));
        return { hasMessages: false };
      },
    },
    workspaces: {
      async mergeBack() {
        throw new Unmerged({ changed: ['a.ts'], treeAfter: AFTER }, new SandboxError('lost', LOST.message));
      },
      drop: async (_turn: unknown, agentId: string) => void dropped.push(agentId),
    },
  } as unknown as TurnContext;
  const problem: unknown = await conclude(turn, {
    callId: 'turn:m1c1',
    parent: { agent: { id: 'turn' } as unknown as Agent, kind: 'lead' },
    role: roleNamed(rolesOf([]), 'executor'),
    order: { role: 'executor', description: 'Build it', prompt: 'Build it.', keepOnFailure: true },
    fork: { treeBefore: BEFORE, sandbox: () => Promise.reject(new SandboxError('lost', LOST.message)) },
    end,
  }).catch((error: unknown) => error);
  return { told, read: problem instanceof Error ? problem.message : 'no problem', dropped };
}

const KEPT_TASK = {
  nextAction:
    'All that it changed is kept. Bring In Kept Work in VS Code, or npm start -- tasks kept task, puts it into the review.',
};
const KEPT = `What it changed is not in the workspace, or only a part of it: look before you go on. All of it is kept beside the task, for the person, as the tree ${AFTER}:\n- a.ts`;
const ended = { type: 'agent.ended', turnId: 'turn', agentId: 'turn:m1c1', parentId: 'turn' };

describe('the end of an executor whose work cannot be brought home', () => {
  it('is a failure that names its work, with what it reported', async () => {
    const reported = { kind: 'executor' as const, summary: 'It is built.', checks: [] };
    assert.deepEqual(await ending({ outcome: 'completed', reported }), {
      told: [
        { ...ended, outcome: 'failed', result: { ...reported, ...work }, error: { ...LOST, ...KEPT_TASK } },
      ],
      read: `[failed] The sandbox was lost. ${KEPT}\n\nIt is built.`,
      dropped: ['turn:m1c1'],
    });
  });

  it('is its own where it had failed before, and names its work all the same', async () => {
    const result = { kind: 'executor', summary: '', checks: [], ...work };
    assert.deepEqual(await ending({ outcome: 'timed_out', error: LATE }), {
      told: [{ ...ended, outcome: 'timed_out', result, error: { ...LATE, ...KEPT_TASK } }],
      read: `[out of time] It was late. ${KEPT}`,
      dropped: ['turn:m1c1'],
    });
  });
});
