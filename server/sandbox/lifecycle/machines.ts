import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Prebuilds } from '../prebuild/prebuilds.ts';
import { type Sandbox, SandboxError, type SandboxProvider, type SandboxRef } from '../sandbox.ts';
import { attentive } from './attentive.ts';
import type { SpawnBreaker } from './breaker.ts';
import type { Contents, Surroundings } from './contents.ts';
import { type Machine, STALE_MS } from './machine.ts';
import type { MachineChange, MachineStore } from './machine-store.ts';

/** The machines of tasks, for those who work in them: opened once per process and shared. */
export interface SandboxSessions {
  /**
   * The task's machine: attached to, woken where it sleeps, made where the task has none. One that the provider has lost is made anew
   * from what was fetched last, and the task's log says so.
   */
  open(taskId: string): Promise<Sandbox>;
  /** The same, asking the provider again: what this process remembers of a machine may have become wrong. */
  reopen(taskId: string, signal?: AbortSignal): Promise<Sandbox>;
  /** Gives back what the task has at its provider, for good. @param ref null where the task remembers no machine */
  destroy(taskId: string, ref: SandboxRef | null): Promise<void>;
}

/** The same for whoever looks after machines that no turn works on. */
export interface SandboxKeeper extends SandboxSessions {
  /** As `reopen`, for whoever only wants what is there: undefined where the task has no machine with its files in it. */
  wake(taskId: string): Promise<Sandbox | undefined>;
  /** Forgets the connection; the next to open it asks the provider. */
  forget(taskId: string): void;
}

export interface MachinesDeps {
  /** The provider that new machines come from. */
  provider: SandboxProvider;
  /** The provider of that name. @throws SandboxError `unavailable` */
  providerOf: (name: string) => Promise<SandboxProvider>;
  store: MachineStore;
  contents: Contents;
  surroundings: Surroundings;
  breaker: SpawnBreaker;
  prebuilds: Pick<Prebuilds, 'find'>;
  now: () => number;
  logger: Logger;
}

/** How often (ms) to look whether a machine has fallen asleep that is on its way there. */
const LOOK_MS = 50;
/** How often a provider that asks for patience is asked, and how long (ms) after, doubled each time. */
const TRIES = 3;
const PAUSE_MS = 1000;
/** Changes of a machine that others make meanwhile, before this gives up. */
const MOST_TURNS = 10_000;

export function createMachines(deps: MachinesDeps): SandboxKeeper {
  const { provider, providerOf, store, contents, surroundings, breaker, now } = deps;
  const opened = new Map<string, Promise<Sandbox>>();

  interface Wish {
    taskId: string;
    mayMake: boolean;
    signal: AbortSignal | undefined;
  }

  async function bring(wish: Wish): Promise<Sandbox> {
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      wish.signal?.throwIfAborted();
      const machine = await store.get(wish.taskId);
      const sandbox = await advance(wish, machine);
      if (sandbox)
        return attentive(await surroundings.dress(wish.taskId, sandbox), () => forget(wish.taskId));
    }
    throw new SandboxError('busy', 'The sandbox never came to rest.');
  }

  /** One step nearer to a machine that runs; undefined where it is to be looked at again. */
  async function advance(wish: Wish, machine: Machine | undefined): Promise<Sandbox | undefined> {
    if (machine?.isArchived)
      throw new SandboxError('lost', 'The task was archived, and its sandbox given back.');
    switch (machine?.state) {
      case undefined:
      case 'provisioning':
        return make(wish, machine);
      case 'lost':
        return make(wish, machine);
      case 'hibernating':
        if (now() - machine.changedAt > STALE_MS) return awaken(wish, machine);
        await delay(LOOK_MS, undefined, wish.signal ? { signal: wish.signal } : {});
        return undefined;
      case 'hibernated':
      case 'archived':
      case 'resuming':
        return awaken(wish, machine);
      case 'running':
      case 'failed':
        return machine.ref === null ? make(wish, machine) : attach(wish, machine, machine.ref);
    }
  }

  /** Makes the machine, or goes on with that; a new one in place of one that is lost. */
  async function make(wish: Wish, seen: Machine | undefined): Promise<Sandbox | undefined> {
    const { taskId } = wish;
    if (!wish.mayMake) throw lost();
    const isAnew = seen?.state === 'lost';
    if (isAnew && seen.ref) await (await providerOf(seen.ref.provider)).destroy(seen.ref);
    const generation = (seen?.generation ?? 1) + (isAnew ? 1 : 0);
    const making = await store.change(taskId, seen, {
      state: 'provisioning',
      generation,
      asleepTree: null,
      isSilent: !isAnew,
      ...(isAnew ? { detail: 'Making a new machine from what was fetched last' } : {}),
    });
    if (!making) return undefined;
    const spec = await surroundings.spec(taskId);
    const prebuild = await deps.prebuilds.find(taskId);
    const from = prebuild && { from: prebuild.snapshot };
    const sandbox = await start(making, provider.name, () => provider.create({ ...spec, ...from }));
    const made = await store.change(taskId, making, {
      state: 'provisioning',
      ref: sandbox.ref,
      isSilent: true,
    });
    if (!made) return undefined;
    const prebuiltId = prebuild?.prebuildId;
    await contents.bring(taskId, made, sandbox, { signal: wish.signal, prebuiltId });
    const isNew = generation === 1;
    const running = await store.change(taskId, made, {
      state: 'running',
      isSilent: isNew,
      ...(isNew
        ? {}
        : {
            detail:
              'A new machine with the files as they were fetched last: what Git ignores, and what ran, is gone',
          }),
    });
    return running && sandbox;
  }

  /** The machine is believed to run: the provider knows. */
  async function attach(wish: Wish, seen: Machine, ref: SandboxRef): Promise<Sandbox | undefined> {
    const from = await providerOf(ref.provider);
    const truth = await from.state(ref);
    if (truth === 'gone') return isLost(seen);
    if (truth !== 'running') return awaken(wish, seen, 'It had been stopped');
    const sandbox = await from.resume(ref);
    await contents.bring(wish.taskId, seen, sandbox, wish);
    if (seen.state === 'running') return sandbox;
    return (await store.change(wish.taskId, seen, { state: 'running' })) && sandbox;
  }

  /** Wakes a machine that sleeps, and makes sure that it is what went to sleep. */
  async function awaken(wish: Wish, seen: Machine, detail?: string): Promise<Sandbox | undefined> {
    const { taskId } = wish;
    const { ref } = seen;
    if (ref === null) return isLost(seen);
    const waking = await store.change(taskId, seen, {
      state: 'resuming',
      ...(detail === undefined ? {} : { detail }),
    });
    if (!waking) return undefined;
    let sandbox: Sandbox;
    try {
      const from = await providerOf(ref.provider);
      sandbox = await start(waking, ref.provider, () => from.resume(ref));
    } catch (error) {
      if (error instanceof SandboxError && error.code === 'lost') return isLost(waking);
      throw error;
    }
    const found = await contents.check(waking, sandbox);
    if (found === 'other') return isLost(waking, 'What came back is not this task’s machine');
    await contents.bring(taskId, waking, sandbox, wish);
    const running: MachineChange = {
      state: 'running',
      asleepTree: null,
      ...(found === 'mended'
        ? { detail: 'It came back with other files; they were put back to what it slept with' }
        : {}),
    };
    return (await store.change(taskId, waking, running)) && sandbox;
  }

  async function isLost(seen: Machine, detail = 'The provider has it no more'): Promise<undefined> {
    await store.change(seen.taskId, seen, { state: 'lost', detail });
  }

  /** Starts a machine, with patience for a provider that asks for it; a failure is remembered. */
  async function start(machine: Machine, name: string, work: () => Promise<Sandbox>): Promise<Sandbox> {
    for (let tried = 1; ; tried++) {
      try {
        return await breaker.guard(name, work);
      } catch (error) {
        const isBusy = error instanceof SandboxError && error.code === 'busy';
        if (!isBusy || tried === TRIES) {
          const isGone = error instanceof SandboxError && error.code === 'lost';
          if (!isGone) await store.change(machine.taskId, machine, { state: 'failed', isSilent: true });
          throw error;
        }
        deps.logger.warn({ taskId: machine.taskId, err: error }, 'the sandbox provider asks for patience');
        await delay(PAUSE_MS * 2 ** (tried - 1));
      }
    }
  }

  function remember(taskId: string, opening: Promise<Sandbox>): Promise<Sandbox> {
    opened.set(taskId, opening);
    opening.catch(() => {
      if (opened.get(taskId) === opening) opened.delete(taskId);
    });
    return opening;
  }
  /** A relay may have been killed between making a machine and remembering it. */
  const unremembered = async (taskId: string): Promise<SandboxRef | undefined> =>
    (await provider.list()).find((one) => one.taskId === taskId)?.ref;

  const forget = (taskId: string): void => void opened.delete(taskId);
  const reopen = (taskId: string, signal?: AbortSignal): Promise<Sandbox> =>
    remember(taskId, bring({ taskId, mayMake: true, signal }));

  return {
    open: (taskId) => opened.get(taskId) ?? reopen(taskId),
    reopen,
    async wake(taskId) {
      const machine = await store.get(taskId);
      if (machine === undefined || machine.state === 'provisioning' || machine.ref === null) return undefined;
      try {
        return await remember(taskId, bring({ taskId, mayMake: false, signal: undefined }));
      } catch (error) {
        if (error instanceof SandboxError && error.code === 'lost') return undefined;
        throw error;
      }
    },
    forget,
    async destroy(taskId, ref) {
      forget(taskId);
      const machine = await store.get(taskId);
      const known = ref ?? (machine?.state === 'provisioning' ? await unremembered(taskId) : undefined);
      if (known) await (await providerOf(known.provider)).destroy(known);
      if (machine) await store.change(taskId, machine, { state: 'archived', isSilent: true });
    },
  };
}

const lost = (): SandboxError =>
  new SandboxError('lost', 'The task has no machine now.', {
    nextAction: 'Send a message: it gets a new one with the files as they were fetched last.',
  });
