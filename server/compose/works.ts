import type { Logger } from 'pino';
import { createAfterTurns } from '../aftermath/parts.ts';
import { createAftermathStore } from '../aftermath/store.ts';
import { createWorkspaces } from '../agent/agents/workspaces.ts';
import { callModel } from '../agent/model.ts';
import { createTurn } from '../agent/turn.ts';
import { type Config, currentSettings, modelChoices } from '../config.ts';
import { createClaims } from '../engine/claims.ts';
import { createDispatcher } from '../engine/dispatcher.ts';
import { launchEngine } from '../engine/durable.ts';
import { joinRelays } from '../engine/membership.ts';
import { fetchPage } from '../fetch/fetch-page.ts';
import { createHandbookOf } from '../handbook/read-handbook.ts';
import { fileChores } from '../housekeeping/file-chores.ts';
import { keepHouse } from '../housekeeping/housekeeping.ts';
import { recordChores } from '../housekeeping/record-chores.ts';
import { createRoom } from '../housekeeping/room.ts';
import { OWNER } from '../http/auth.ts';
import { createTurnServers } from '../mcp/turn-servers.ts';
import { createModelHealth } from '../models/health.ts';
import { capsOf } from '../models/settings.ts';
import type { Caps } from '../models/spend.ts';
import { createSpend } from '../models/spend-ledger.ts';
import { createPublish, giveUpPublish, type PublishInput } from '../publish/publish-workflow.ts';
import { createTokenVault } from '../publish/tokens.ts';
import { restoreWorkspace } from '../repo/restore.ts';
import { thisWorld } from '../sandbox/local/egress/reach.ts';
import { createConversationService } from '../tasks/conversation-service.ts';
import { createHeldTurns } from '../tasks/held-turns.ts';
import { createTurnSignals } from '../tasks/turn-signals.ts';
import type { Teardown } from '../teardown.ts';
import { createDeposits } from '../unattended/deposits.ts';
import { VERSION } from '../version.ts';
import { watchMachines } from './machines.ts';
import type { Storage } from './storage.ts';
import type { Workplace } from './workplace.ts';

/** What works without anybody asking: turns, what follows them, publications, and the house. */
export type Works = Awaited<ReturnType<typeof startWorks>>;

/** Starts everything durable: from here on this relay claims turns, takes over from relays that die, and keeps house. */
export async function startWorks(
  config: Config,
  logger: Logger,
  teardown: Teardown,
  storage: Storage,
  workplace: Workplace,
) {
  const { pool, url, notices, database, patient, log, store, turnLog, turnStore, cachedStates } = storage;
  const { killPoints, relayId, host, now } = storage;
  const { repo, sessions, sandboxes, remote, commits } = workplace;
  const deposits = createDeposits({ database: patient, key: workplace.around.vaultKey, now });
  const tokens = createTokenVault(deposits.tokenFor);
  const publish = createPublish({ ...commits, store, log, tokens, remote, logger });
  const caps = (): Caps => capsOf(currentSettings(config));
  const afterTurns = createAfterTurns({
    database: patient,
    notices,
    cachedStates,
    sandboxes: sessions,
    repo,
    restoreWorkspace,
    notifyUrl: config.notifyUrl,
    tracing: config.tracing,
    idleMs: config.idleMs,
    host,
    caps,
    now,
    logger,
  });
  const engine = await launchEngine({
    pool,
    url,
    relayId,
    host,
    logger,
    workflows: { publish, aftermath: afterTurns.workflow },
  });
  teardown.add(() => engine.freeze());

  const watch = afterTurns.watch(engine);
  teardown.add(() => void watch.stop());
  /** What a task had to wait for at its beginning, the next one of the repository finds done. */
  const buildForNext = async (taskId: string): Promise<void> => {
    try {
      const row = await turnStore.get(taskId);
      if (row) await workplace.prebuilds.wantAfter(taskId, { owner: row.owner, source: row.spec.source });
    } catch (error) {
      logger.warn({ taskId, err: error }, 'no machine will be built beforehand');
    }
  };
  const room = createRoom({ folders: [config.workDir], log: turnLog, store: turnStore, logger });
  const handbookOf = createHandbookOf(workplace.repoDeps);
  const turn = createTurn({
    log: turnLog,
    store: turnStore,
    states: storage.turnStates,
    signals: createTurnSignals(turnStore, notices),
    sandboxes: workplace.gate.sandboxes(room.sandboxes(sandboxes)),
    machineNotes: workplace.around.surroundings.notes,
    takeMachineNews: sessions.takeNews,
    hide: workplace.around.surroundings.hide,
    repo: room.repo(repo),
    workspaces: createWorkspaces(workplace.forks),
    isWorkspaceFree: createAftermathStore(patient).isNext,
    handbookOf,
    besideTurns: {
      hooks: async (taskId) => (await workplace.around.environment.plan(taskId)).hooks,
      servers: createTurnServers({
        owners: config.mcp,
        wishes: async (taskId) => (await workplace.around.environment.plan(taskId)).mcp,
      }),
    },
    fetchPage: async (taskId, url, signal) => {
      const { network: policy } = await workplace.around.environment.plan(taskId);
      return fetchPage(url, { policy, world: thisWorld }, signal);
    },
    models: (role, chosen) => modelChoices(config, role, chosen),
    health: createModelHealth(now),
    spend: createSpend({ database: patient, caps, owner: OWNER, now }),
    callModel,
    now,
    random: Math.random,
    onEnded(ended) {
      watch.onEnded(ended);
      void buildForNext(ended.taskId);
    },
    idleMs: config.idleMs,
    logger,
  });

  const claims = createClaims(patient, { relayId, host, limits: config.limits });
  const membership = await joinRelays({
    url,
    relayId,
    host,
    version: VERSION,
    onDead: async (dead) => {
      const turns = await claims.release(dead.relayId);
      if (turns > 0) {
        logger.info({ relay: dead.relayId, turns }, 'turns of a relay that is gone wait to be claimed');
      }
      const abandoned = dead.host === host ? await engine.adopt(dead.relayId) : [];
      for (const { workflow, input } of abandoned) {
        logger.warn({ workflow }, 'a workflow of another version is given up');
        if (workflow === 'publish') await giveUpPublish(log, input as PublishInput);
      }
    },
    logger,
  });
  const dispatcher = createDispatcher({
    claims,
    run: killPoints.run(turn),
    hasPeers: membership.hasPeers,
    onIdle: createHeldTurns({ claims, store: turnStore }),
    notices,
    logger,
  });
  teardown.add(() => membership.close());
  teardown.add(() => dispatcher.freeze());
  teardown.add(() => dispatcher.drain(config.graceMs));

  const conversation = createConversationService({
    store,
    wake: dispatcher.wake,
    onEnded: watch.onEnded,
    now,
  });
  watchMachines(config, logger, teardown, storage, workplace, {
    stopTurn: async (taskId) => void (await conversation.stop(taskId)),
  });

  const chores = [
    ...recordChores({ database, engine, retentionMs: config.retentionMs, now }),
    ...fileChores({ ...workplace, database, host, now }),
  ];
  const housekeeping = keepHouse({ pool, chores, logger }, now);
  teardown.add(() => void housekeeping.stop());
  return {
    engine,
    tokens,
    deposits,
    wake: dispatcher.wake,
    conversation,
    handbookOf,
    usage: afterTurns.usage,
    traces: afterTurns.traces,
  };
}
