import { createHash, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { attentive } from '../lifecycle/attentive.ts';
import type { Surroundings } from '../lifecycle/contents.ts';
import type { SandboxKeeper } from '../lifecycle/machines.ts';
import { createQueues } from '../queues.ts';
import { type Sandbox, SandboxError, type SandboxProvider, type SnapshotRef } from '../sandbox.ts';
import type { ForkOrder, ForkRow, ForkStore, Origin } from './fork-store.ts';
import type { Gate } from './gate.ts';
import { leftRunning } from './left-running.ts';

/** Copies of tasks' machines that agents work in side by side. Every function may be repeated. */
export interface Forks {
  /**
   * The agent's copy of its task's machine: made where it has none, woken where it sleeps.
   * @throws SandboxError `lost` where it was made, and the provider has it no more
   */
  open(order: ForkOrder, signal: AbortSignal): Promise<Sandbox>;
  /** The same, of one that was made. @throws SandboxError `lost` where there is none (any more) */
  reopen(agentId: string): Promise<Sandbox>;
  /** Gives it back. */
  drop(agentId: string): Promise<void>;
  /** Gives back all that a task has, which is given up. */
  release(taskId: string): Promise<void>;
  /** Gives back what turns that are over left, and puts to sleep what belongs to those that wait for the person. */
  sweep(): Promise<void>;
}

export interface ForksDeps {
  store: ForkStore;
  /** Of the machines of tasks, by their own ways: not through the gate. */
  machines: Pick<SandboxKeeper, 'open' | 'keepAs'>;
  providerOf: (name: string) => Promise<SandboxProvider>;
  surroundings: Pick<Surroundings, 'spec' | 'dress' | 'serve' | 'forgetFork'>;
  gate: Gate;
  logger: Pick<Logger, 'info' | 'warn'>;
}

/** What whoever works in a machine that was copied is told, where something of theirs ran there. */
const ENDED =
  'The machine was stopped for a moment, so that agents could begin as copies of it: commands that ran in the background have ended, and nothing else has changed';

/** The fork's name at its provider, as a task's: the same for an agent whoever asks. */
const forkIdOf = (agentId: string): string =>
  `fork-${createHash('sha256').update(agentId).digest('hex').slice(0, 24)}`;

export function createForks(deps: ForksDeps): Forks {
  const { store, machines, providerOf, surroundings, gate, logger } = deps;
  /** What is done to one fork, and to what it is a copy of, is done in turn. */
  const inTurn = createQueues();
  const opened = new Map<string, Promise<Sandbox>>();

  async function begin(order: ForkOrder): Promise<ForkRow> {
    // Woken or made where it has to be: whose it is decides who can copy it.
    const { provider } = (await machines.open(order.taskId)).ref;
    const names = { forkId: forkIdOf(order.agentId), originId: `fork-${randomUUID()}`, provider };
    const row = await store.begin(order, names);
    if (row === undefined) throw gone();
    return row;
  }

  /** Kept once for all that share it. */
  async function snapshotOf(row: ForkRow, signal: AbortSignal): Promise<SnapshotRef> {
    const origin = (await store.find(row.agentId))?.origin ?? row.origin;
    if (origin.snapshot) return origin.snapshot;
    const { originId: name, taskId, turnId } = origin;
    const began = performance.now();
    const snapshot = await gate.alone(taskId, async () => {
      const machine = await machines.open(taskId);
      const news = (await leftRunning(machine, `${turnId}:`)) ? ENDED : undefined;
      return machines.keepAs(taskId, { name, news, signal });
    });
    await store.keepSnapshot(name, snapshot);
    logger.info({ taskId, turnId, ms: Math.round(performance.now() - began) }, 'a machine was copied');
    return snapshot;
  }

  /** Not cut off: whoever is to end its agent still wants what that left there. */
  async function bring(row: ForkRow, snapshot: () => Promise<SnapshotRef>): Promise<Sandbox> {
    const { agentId, forkId, ref, origin } = row;
    const provider = await providerOf(origin.provider);
    const made = ref
      ? await provider.resume(ref)
      : await provider.create({
          ...(await surroundings.spec(origin.taskId)),
          taskId: forkId,
          from: await snapshot(),
        });
    if (!ref) await store.keepRef(agentId, made.ref);
    await surroundings.serve(origin.taskId, forkId, made, NEVER);
    const sandbox = attentive(made, () => opened.delete(agentId));
    return surroundings.dress(origin.taskId, sandbox);
  }

  function once(agentId: string, work: () => Promise<Sandbox>): Promise<Sandbox> {
    const known = opened.get(agentId);
    if (known) return known;
    const opening = work();
    opened.set(agentId, opening);
    opening.catch(() => {
      if (opened.get(agentId) === opening) opened.delete(agentId);
    });
    return opening;
  }

  function drop(agentId: string): Promise<void> {
    return inTurn(agentId, async () => {
      const row = await store.find(agentId);
      opened.delete(agentId);
      if (!row) return;
      const { forkId, origin } = row;
      const provider = await providerOf(origin.provider);
      // A relay may have been killed between making it and remembering it.
      const ref = row.ref ?? (await provider.list()).find(({ taskId }) => taskId === forkId)?.ref;
      if (ref) await provider.destroy(ref);
      surroundings.forgetFork(forkId);
      const unshared = await store.remove(agentId);
      if (unshared) await giveUp(unshared);
    });
  }

  async function giveUp({ originId, provider: name, snapshot }: Origin): Promise<void> {
    const provider = await providerOf(name);
    // Where nobody noted what the provider answered, the name that was asked for is the best guess.
    await provider.deleteSnapshot(snapshot ?? { provider: name, id: originId });
    await store.removeOrigin(originId);
  }

  /** Its turn may have been continued since somebody looked. */
  async function rest(agentId: string): Promise<void> {
    const ref = (await store.idle()).find((row) => row.agentId === agentId)?.ref;
    if (!ref) return;
    const provider = await providerOf(ref.provider);
    if ((await provider.state(ref)) !== 'running') return;
    opened.delete(agentId);
    await provider.hibernate(ref);
  }

  return {
    open(order, signal) {
      // Whoever begins to work there asks the provider: what this process remembers may have become wrong.
      opened.delete(order.agentId);
      return once(order.agentId, () =>
        inTurn(order.agentId, async () => {
          const known = await store.find(order.agentId);
          if (known?.ref) return bring(known, noSnapshot);
          const row = known ?? (await begin(order));
          // Those that begin at once wait for the one that has the copy made.
          return bring(row, () => inTurn(row.origin.originId, () => snapshotOf(row, signal)));
        }),
      );
    },

    reopen: (agentId) =>
      once(agentId, () =>
        inTurn(agentId, async () => {
          const row = await store.find(agentId);
          if (!row?.ref) throw gone();
          return bring(row, noSnapshot);
        }),
      ),

    drop,

    async release(taskId) {
      for (const { agentId } of await store.ofTask(taskId)) await drop(agentId);
    },

    async sweep() {
      const tried = async (what: string, work: () => Promise<void>): Promise<void> => {
        await work().catch((error: unknown) =>
          logger.warn({ fork: what, err: error }, 'a fork is left over'),
        );
      };
      const { forks, origins } = await store.leftovers();
      for (const { agentId } of forks) await tried(agentId, () => drop(agentId));
      for (const origin of origins) await tried(origin.originId, () => giveUp(origin));
      for (const { agentId } of await store.idle())
        await tried(agentId, () => inTurn(agentId, () => rest(agentId)));
    },
  };
}

const NEVER = new AbortController().signal;

const noSnapshot = async (): Promise<never> => {
  throw gone();
};

const gone = (): SandboxError =>
  new SandboxError('lost', 'The copy of the machine that this agent worked in is gone.');
