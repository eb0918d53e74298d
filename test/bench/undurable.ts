import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pino } from 'pino';
import { noWorkspaces } from '../../server/agent/agents/workspaces.ts';
import { callModel } from '../../server/agent/model.ts';
import { createTurn } from '../../server/agent/turn.ts';
import type { TurnRepo } from '../../server/agent/turn-context.ts';
import { createJournal } from '../../server/engine/journal.ts';
import { NO_SERVERS } from '../../server/mcp/turn-servers.ts';
import { createModelHealth } from '../../server/models/health.ts';
import type { Spend } from '../../server/models/spend.ts';
import { createGit } from '../../server/repo/git.ts';
import { createTaskRepo } from '../../server/repo/task-repo.ts';
import type { SandboxSessions } from '../../server/sandbox/lifecycle/machines.ts';
import { createLocalProvider } from '../../server/sandbox/local/provider.ts';
import { program } from '../../server/sandbox/providers.ts';
import type { Sandbox, SandboxProvider } from '../../server/sandbox/sandbox.ts';
import { createTaskStates } from '../../server/tasks/task-states.ts';
import type { Repository } from './bench.ts';
import { createMemoryTask } from './memory-store.ts';

/**
 * The same agent loop, tools, sandbox and capture of changes as the relay's, without durability: the log and all that the relay
 * keeps in its database are variables here. A program of its own, as the relay is, which runs a turn for each message of its parent.
 */

/** What the parent asks for, and is answered with once the turn has ended. */
export interface RunTurn {
  data: string;
  repository: Repository;
  model: { url: string; apiKey: string };
}
export type TurnDone = { error?: string };

async function runTurn({ data, repository, model }: RunTurn): Promise<void> {
  const taskId = randomUUID();
  const turnId = randomUUID();
  const source = { url: `file://${repository.directory}`, commit: repository.commit, branch: 'main' };
  const { log, store, signals } = createMemoryTask(
    {
      taskId,
      spec: { source },
      activeTurn: turnId,
      sandbox: null,
      prepared: null,
      archived: false,
      owner: 'owner',
      host: null,
    },
    turnId,
    'Do it.',
  );
  const provider = createLocalProvider({ dataDir: data, supervisorPath: program('supervisor.mjs') });
  const repo = createTaskRepo({
    git: createGit({ dataDir: data, env: process.env }),
    reposDir: join(data, 'repos'),
    sourcesDir: join(data, 'sources'),
    allowFileUrls: true,
  });
  const turn = createTurn({
    log,
    store,
    states: createTaskStates(log),
    signals,
    sandboxes: simpleSessions(provider, repo),
    machineNotes: () => [],
    takeMachineNews: () => [],
    hide: (_taskId, text) => text,
    repo,
    workspaces: noWorkspaces,
    isWorkspaceFree: async () => true,
    fetchPage: () => Promise.reject(new Error('there is no network here')),
    handbookOf: async () => ({ roles: [], skills: [], commands: [], problems: [] }),
    besideTurns: { hooks: async () => [], servers: async () => NO_SERVERS },
    models: () => [
      {
        ...{ baseUrl: model.url, apiKey: model.apiKey, model: 'fake-model', ref: 'fake-model' },
        ...{
          window: 128_000,
          price: undefined,
          abilities: { images: false, pdf: false },
          cacheMarkers: false,
        },
      },
    ],
    health: createModelHealth(Date.now),
    spend: uncapped,
    callModel,
    now: Date.now,
    random: Math.random,
    onEnded: () => {},
    idleMs: 60_000,
    logger: pino({ level: 'warn' }, pino.destination(2)),
  });
  const { signal } = new AbortController();
  const journal = createJournal({ draining: signal, frozen: signal });
  await turn(journal, { taskId, turnId, epoch: 1, format: 1 });
  const last = (await log.read(taskId, 0, Infinity)).at(-1);
  const isWell = last?.type === 'turn.ended' && last.outcome === 'completed';
  if (!isWell) throw new Error(`the turn ended with ${JSON.stringify(last)}`);
  await provider.close();
}

process.on('message', (request: RunTurn) => {
  runTurn(request).then(
    () => process.send?.({} satisfies TurnDone),
    (error: unknown) => process.send?.({ error: String(error) } satisfies TurnDone),
  );
});

/** Nothing is capped, so nothing is ever entered. */
const uncapped: Spend = {
  caps: () => undefined,
  reserve: async () => undefined,
  standing: async () => [],
  settle: async () => {},
  settleFailed: async () => {},
  release: async () => {},
  raise: async () => {},
  ownsRelay: async () => true,
};

/** A machine a task, made and filled at the first wish: what is durable about it is not measured here. */
function simpleSessions(provider: SandboxProvider, repo: TurnRepo): SandboxSessions {
  const opened = new Map<string, Promise<Sandbox>>();
  const make = async (id: string): Promise<Sandbox> => {
    const sandbox = await provider.create({ taskId: id });
    await repo.checkout(id, sandbox, undefined, new AbortController().signal);
    return sandbox;
  };
  const open = (id: string): Promise<Sandbox> => {
    const opening = opened.get(id) ?? make(id);
    opened.set(id, opening);
    return opening;
  };
  return { open, reopen: open, destroy: async (_id, ref) => void (ref && (await provider.destroy(ref))) };
}
