import { join } from 'node:path';
import type pg from 'pg';
import pino from 'pino';
import {
  createWorkspaces,
  type WorkingTurn,
  type Workspaces,
} from '../../../server/agent/agents/workspaces.ts';
import { createDatabase, OF_A_PERSON } from '../../../server/engine/database.ts';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import { createGit } from '../../../server/repo/git.ts';
import { restoreWorkspace } from '../../../server/repo/restore.ts';
import { createTaskRepo } from '../../../server/repo/task-repo.ts';
import { createForkStore } from '../../../server/sandbox/forks/fork-store.ts';
import { createForks, type Forks, type ForksDeps } from '../../../server/sandbox/forks/forks.ts';
import { createGate } from '../../../server/sandbox/forks/gate.ts';
import { createSpawnBreaker } from '../../../server/sandbox/lifecycle/breaker.ts';
import { createContents } from '../../../server/sandbox/lifecycle/contents.ts';
import { createMachineStore } from '../../../server/sandbox/lifecycle/machine-store.ts';
import { createMachines } from '../../../server/sandbox/lifecycle/machines.ts';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { createEventLog, readAll } from '../../../server/tasks/event-log.ts';
import { createTaskStore } from '../../../server/tasks/postgres-store.ts';
import { createTaskHold } from '../../../server/tasks/task-hold.ts';
import { createTaskStates } from '../../../server/tasks/task-states.ts';
import { type Files, makeClone, temporaryFolder } from '../../unit/repo/repositories.ts';
import { type LocalFixture, shell } from '../sandbox/support/local.ts';

/** What is different of a relay; `turn` and `forks` are what its workspaces are made of. */
export interface Change {
  forks?: (deps: ForksDeps) => ForksDeps;
  turn?: (turn: WorkingTurn) => WorkingTurn;
}

/** A relay as far as agents work side by side in it. */
export interface Site {
  turn: WorkingTurn;
  forks: Forks;
  workspaces: Workspaces;
}

export const NEVER = new AbortController().signal;

/** A task with a turn that runs: real Postgres, Git and sandboxes; only what the repository asks for around its workspace is played. */
export async function openStage(pool: pg.Pool, fixture: LocalFixture, files: Files) {
  await pool.query('TRUNCATE handoff.tasks, handoff.forks, handoff.fork_origins CASCADE');
  const folder = temporaryFolder();
  const now = (): number => Date.now();
  const { provider, taskId } = fixture;
  const turnId = `turn-of-${taskId}`;
  const database = createDatabase(pool, OF_A_PERSON);
  const notices = { subscribe: () => () => {}, close: async () => {} };
  const log = createEventLog(database, notices, now);
  const store = createTaskStore(database, now);
  const states = createTaskStates(log);
  const logger = pino({ level: 'silent' });
  const repo = createTaskRepo({
    git: createGit({ dataDir: folder.path, env: process.env }),
    reposDir: join(folder.path, 'repos'),
    sourcesDir: join(folder.path, 'sources'),
    allowFileUrls: true,
  });

  const { url, commit } = makeClone(folder.path, files);
  const source = { url, commit, branch: 'main', overlay: [] };
  const prepared = await repo.prepare(taskId, source, NEVER);
  await pool.query(
    `INSERT INTO handoff.tasks (task_id, client_id, created_at, updated_at, spec, overlay, host, prepared, active_turn)
     VALUES ($1, $1, 1, 1, $2, '[]', 'here', $3, $4)`,
    [taskId, JSON.stringify({ source }), JSON.stringify(prepared), turnId],
  );
  await pool.query(
    `INSERT INTO handoff.turns (turn_id, task_id, created_at, state, epoch) VALUES ($1, $2, 1, 'running', 1)`,
    [turnId, taskId],
  );
  await log.append(taskId, null, [
    {
      key: 'started',
      event: { type: 'turn.started', turnId },
    },
  ]);

  const surroundings = {
    spec: async (id: string) => ({ taskId: id }),
    ready: async () => {},
    notes: () => [],
    hide: (_taskId: string, text: string) => text,
    dress: async <T>(_taskId: string, sandbox: T) => sandbox,
    serve: async () => {},
    forgetFork: () => {},
  };
  const machineStore = createMachineStore(database, now, 600_000);
  const providerOf = async () => provider;
  const hold = createTaskHold(database, states, now);

  /** As another relay process on the same database has it. */
  function openRelay({ forks: change = (deps) => deps, turn: other = (turn) => turn }: Change = {}): Site {
    const machines = createMachines({
      provider,
      providerOf,
      store: machineStore,
      contents: createContents({ repo, restoreWorkspace, store, states, hold, surroundings }),
      surroundings,
      breaker: createSpawnBreaker(now),
      prebuilds: { find: async () => undefined, spoilt: async () => {} },
      now,
      logger,
    });
    const gate = createGate();
    const forks = createForks(
      change({
        ...{ store: createForkStore(database, 'here'), machines, providerOf },
        ...{ surroundings, gate, logger },
      }),
    );
    const turn = other({
      ...{ taskId, turnId, claim: { taskId, turnId, epoch: 1, format: 1 }, mail: { mayBeThere: false } },
      ...{ log, store, states, repo, sandboxes: gate.sandboxes(machines) },
    });
    return { turn, forks, workspaces: createWorkspaces(forks) };
  }

  const site = openRelay();
  return {
    ...site,
    provider,
    openRelay,
    baseTree: prepared.baseTree,
    lead: (): Promise<Sandbox> => site.turn.sandboxes.open(taskId),
    events: (): Promise<TaskEvent[]> => readAll(log, taskId),
    endTurn: () => pool.query(`UPDATE handoff.turns SET state = 'ended' WHERE turn_id = $1`, [turnId]),
    /** What there is of forks. */
    async left() {
      const count = async (table: string): Promise<number> =>
        (await pool.query(`SELECT 1 FROM handoff.${table}`)).rowCount ?? 0;
      return {
        rows: (await count('forks')) + (await count('fork_origins')),
        machines: (await provider.list()).filter((one) => one.taskId !== taskId).length,
      };
    },
    close: () => folder[Symbol.dispose](),
  };
}

export type Stage = Awaited<ReturnType<typeof openStage>>;

/** What a script prints there. */
export const said = async (sandbox: Sandbox, script: string): Promise<string> => {
  const { out, err } = await shell(sandbox, script);
  return out + err;
};
