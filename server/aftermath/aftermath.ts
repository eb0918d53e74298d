import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ENGINE_VERSION, type Engine, type Steps } from '../engine/durable.ts';
import type { TaskStates } from '../tasks/task-states.ts';
import type { Checks } from './checks.ts';
import type { Mend } from './mending.ts';
import type { Notification } from './notify.ts';
import { notificationOf } from './notify.ts';
import type { AftermathStore, EndedTurn } from './store.ts';
import type { UsageBook } from './usage.ts';
import type { LeftWorkspaces } from './workspace.ts';

/** How long (ms) an aftermath waits for the one before it, which may never come, and how often it looks. */
const LONGEST_WAIT_MS = 60_000;
const LOOK_MS = 200;

/** The workflow of this name does what follows a turn's end. */
export const AFTERMATH = 'aftermath';

export interface AftermathDeps {
  aftermaths: Omit<AftermathStore, 'haveLeft' | 'isOver'>;
  workspaces: LeftWorkspaces;
  checks: Checks;
  mend: Mend;
  usage: Pick<UsageBook, 'record'>;
  /** Brings what the person accepted up to the proposal that the turn left. */
  carryDecisions: (turn: EndedTurn) => Promise<void>;
  states: TaskStates;
  /** Tells the world of a turn's end; absent where nobody wants to know. */
  notify: ((notification: Notification) => Promise<void>) | undefined;
  /** Tells a collector what its agents did. */
  trace: (turn: EndedTurn) => Promise<void>;
  /** Turns whose aftermath runs in this process: also one that was adopted. */
  underWay: Set<string>;
  now: () => number;
  /** How long (ms) a sandbox may idle. */
  idleMs: number;
  logger: Logger;
}

/**
 * What follows a turn's end, with nobody there to wait for it: its work is fetched, checked and booked, whoever wants to know is
 * told, and its sandbox may sleep. Each step recognises its own earlier work; one that fails is logged, and the others follow.
 */
export function createAftermath(deps: AftermathDeps): (steps: Steps, turn: EndedTurn) => Promise<void> {
  return async (steps, turn) => {
    const { taskId, turnId } = turn;
    deps.underWay.add(turnId);
    const attempt = <T>(name: string, work: () => Promise<T>): Promise<T | null> =>
      steps.step(name, async () => {
        try {
          return await work();
        } catch (error) {
          deps.logger.error({ taskId, turnId, step: name, err: error }, 'after a turn, something failed');
          return null;
        }
      });

    await attempt('turn', () => waitForEarlier(deps.aftermaths, turn));
    await attempt('capture', () => deps.workspaces.capture(turn));
    await attempt('carry', () => deps.carryDecisions(turn));
    let hasFailed = false;
    const plan = await attempt('plan', async () => (await deps.checks.plan(turn)) ?? null);
    if (plan) {
      for (const [index, check] of plan.checks.entries()) {
        const outcome = await attempt(`check:${index}`, () =>
          deps.checks.run(turn, index, check, plan.headTree),
        );
        if (outcome === 'cancelled') break;
        if (outcome === 'failed') hasFailed = true;
      }
      await attempt('restore', () => deps.workspaces.restore(turn, plan.headTree));
    }
    await attempt('leave', () => deps.aftermaths.leave(turn));
    await attempt('usage', () => deps.usage.record(turn));
    // Behind all that touches the workspace, for this begins a turn.
    const mends = plan && hasFailed ? await attempt('mend', () => deps.mend(turn, plan.checks)) : false;
    await attempt('notify', async () => {
      if (mends) return;
      const notification = deps.notify && notificationOf(await deps.states.current(taskId), turnId);
      if (notification) await deps.notify?.(notification);
    });
    // Nobody waits for it: a collector that is away takes its time.
    await attempt('trace', () => deps.trace(turn));
    await attempt('settle', () => deps.aftermaths.settle(turn, deps.now() + deps.idleMs));
    // Where that failed it is still owed, and begun again under another id.
    deps.underWay.delete(turnId);
  };
}

/** What checks of an earlier turn wrote has to be gone before this one's work is captured and checked. They end at once for it. */
async function waitForEarlier(aftermaths: Pick<AftermathStore, 'isNext'>, turn: EndedTurn): Promise<void> {
  for (let waited = 0; waited < LONGEST_WAIT_MS && !(await aftermaths.isNext(turn)); waited += LOOK_MS)
    await delay(LOOK_MS);
}

/** Begins aftermaths: of turns that end here at once, of others when it is found that they are owed. */
export interface AftermathStarter {
  /** Nothing is lost where it fails: the turn's row says what is owed. */
  begin(turn: EndedTurn): void;
  /** Begins what this machine owes: its relay died before it could, or a relay of another machine ended the turn. */
  sweep(): Promise<void>;
}

export function createAftermathStarter(deps: {
  engine: Pick<Engine, 'start' | 'hasEnded'>;
  aftermaths: Pick<AftermathStore, 'owed'>;
  /** The machine that a task is bound to. */
  hostOf: (taskId: string) => Promise<string | null | undefined>;
  host: string;
  underWay: Set<string>;
  logger: Logger;
}): AftermathStarter {
  const { engine, host, underWay, logger } = deps;
  /** What was owed at the last look: what is so twice was not just begun, or adopted, by a relay of this machine. */
  let owedBefore = new Set<string>();

  async function start(turn: EndedTurn): Promise<void> {
    if (underWay.has(turn.turnId)) return;
    underWay.add(turn.turnId);
    try {
      await engine.start(AFTERMATH, await unendedId(`${AFTERMATH}:${turn.turnId}@${ENGINE_VERSION}`), turn);
    } catch (error) {
      underWay.delete(turn.turnId);
      throw error;
    }
  }

  /** A workflow that ended is never run again under its id; one that ended and left something owed is begun under another. */
  async function unendedId(id: string): Promise<string> {
    for (let again = 0; ; again++) {
      const tried = again === 0 ? id : `${id}:${again}`;
      if (!(await engine.hasEnded(tried))) return tried;
    }
  }

  return {
    begin(turn) {
      const beginHere = async (): Promise<void> => {
        if ((await deps.hostOf(turn.taskId)) === host) await start(turn);
      };
      beginHere().catch((error: unknown) =>
        logger.warn({ ...turn, err: error }, 'what follows a turn will be begun later'),
      );
    },

    async sweep() {
      const owed = await deps.aftermaths.owed(host);
      for (const turn of owed) if (owedBefore.has(turn.turnId)) await start(turn);
      owedBefore = new Set(owed.map(({ turnId }) => turnId));
      // Those that a relay beside this one has brought to their end.
      for (const turnId of underWay) if (!owedBefore.has(turnId)) underWay.delete(turnId);
    },
  };
}
