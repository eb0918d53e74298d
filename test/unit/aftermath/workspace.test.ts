import assert from 'node:assert/strict';
import { createLeftWorkspaces } from '../../../server/aftermath/workspace.ts';
import { emptyTask } from '../../../server/protocol/reduce.ts';
import type { TaskState, Turn } from '../../../server/protocol/task.ts';
import { printingSandbox } from '../environment/fake-sandbox.ts';

const [BASE, AGENTS, SPOILED] = ['0', '1', '2'].map((digit) => digit.repeat(40)) as [string, string, string];
const TURN = { taskId: 't', turnId: 'a' };
const unused = () => assert.fail('nobody asked for that');
const turn = (turnId: string): Turn => ({ turnId, startedAt: 0, items: [] });

/** Restores a workspace in which checks have written. @returns the notes under which it was put back */
async function restored({
  turns = ['a'],
  notes = [''],
  fails = 0,
}: {
  turns?: string[];
  /** What is noted in the machine at each look. */
  notes?: string[];
  fails?: number;
}): Promise<string[]> {
  const state: TaskState = {
    ...emptyTask('t'),
    turns: turns.map(turn),
    proposal: { revision: 1, baseTree: BASE, headTree: AGENTS, files: [] },
    workspaceTree: AGENTS,
  };
  const done: string[] = [];
  const looks = [...notes];
  const workspaces = createLeftWorkspaces({
    hold: (_taskId, work) =>
      work({
        state,
        activeTurn: null,
        archived: false,
        append: unused,
        written: async () => new Map(),
        tx: undefined as never,
        client: { query: unused } as never,
      }),
    store: {
      get: async () => ({
        taskId: 't',
        spec: { source: { commit: BASE } },
        activeTurn: null,
        sandbox: { provider: 'printing', id: 'p1' },
        prepared: { baseCommit: BASE, baseTree: BASE },
        archived: false,
        owner: 'sam',
        host: null,
      }),
    },
    log: { findAll: unused },
    sandboxes: { wake: async () => ({ ...printingSandbox(), killAll: async () => {} }) },
    repo: {
      capture: async () => ({ headTree: SPOILED }),
      changedBlobs: unused,
      changedFiles: unused,
      merge: unused,
      settingOf: async () => looks.shift() ?? unused(),
    },
    async restoreWorkspace(_sandbox, tree, { note }) {
      assert.equal(tree, AGENTS);
      done.push(note);
      if (done.length <= fails) throw new Error('It was given to another turn meanwhile.');
    },
  });
  await workspaces.restore(TURN, AGENTS);
  return done;
}

describe('what checks wrote', () => {
  it('is taken out, unless anything else was noted meanwhile', async () => {
    assert.deepEqual(await restored({ notes: ['x done'] }), ['x done']);
  });

  it('is taken out also where a turn has begun to work there and done nothing yet', async () => {
    assert.deepEqual(await restored({ turns: ['a', 'b'], notes: ['', 'b working'], fails: 1 }), [
      '',
      'b working',
    ]);
  });

  it('is left to a turn that is given its own files just now, though it has not said so yet', async () => {
    for (const note of ['b begun', 'b done'])
      assert.deepEqual(await restored({ turns: ['a', 'b'], notes: [note] }), []);
  });

  it('is left where the turn was gone back over: others work there, and are not later ones of it', async () => {
    assert.deepEqual(await restored({ turns: ['x', 'c'] }), []);
  });
});
