import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { every } from '../../engine/every.ts';
import type { Prebuilds } from '../prebuild/prebuilds.ts';
import {
  type Sandbox,
  SandboxError,
  type SandboxProvider,
  type SandboxRef,
  type SnapshotRef,
} from '../sandbox.ts';
import { attentive } from './attentive.ts';
import type { SpawnBreaker } from './breaker.ts';
import type { Contents, Surroundings } from './contents.ts';
import { type Machine, RENEW_MS, STALE_MS } from './machine.ts';
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
  /**
   * Keeps the machine's files as they are now, for machines to come, and brings it to where it was: what the repository asks for runs again,
   * what else ran has ended. To be called with nobody at work in it; who comes meanwhile waits.
   * @param how.name see `SandboxProvider.snapshot` @param how.news what whoever works in it is told of that
   */
  keepAs(
    taskId: string,
    how: { name: string; news: string | undefined; signal: AbortSignal },
  ): Promise<SnapshotRef>;
  /** What became of the machine that whoever works in it does not know yet, once. It is in the task's log, too. */
  takeNews(taskId: string): string[];
}

export interface MachinesDeps {
  /** The provider that new machines come from. */
  provider: SandboxProvider;
  /** The provider of that name. @throws SandboxError `unavailable` */
  providerOf: (name: string) => Promise<SandboxProvider>;
  store: MachineStore;
  contents: Contents;
  surroundings: Surroundings;
  prebuilds: Pick<Prebuilds, 'find' | 'spoilt'>;
  breaker: SpawnBreaker;
  now: () => number;
  logger: Logger;
}

/** How often (ms) to look whether a machine has come to where somebody else brings it. */
const LOOK_MS = 50;
/** How often a provider that asks for patience is asked, and how long (ms) after, doubled each time. */
const TRIES = 3;
const PAUSE_MS = 1000;
/** Changes of a machine that others make meanwhile, before this gives up: some minutes of them. */
const MOST_LOOKS = 10_000;

/** Failures by which a machine cannot be made from what was built beforehand, and may be without it. */
const OF_WHAT_IT_IS_MADE_OF = new Set(['not-found', 'lost', 'failed']);

const MADE_ANEW =
  'A new machine with the files as they were fetched last: what Git ignores, and what ran, is gone';
const PUT_BACK = 'It came back with other files; they were put back to what it slept with';

export function createMachines(deps: MachinesDeps): SandboxKeeper {
  const { provider, providerOf, store, contents, surroundings, now } = deps;
  const opened = new Map<string, Promise<Sandbox>>();
  /** Those of `opened` that are still on their way: whoever comes meanwhile joins them, for two would only take turns. */
  const onTheWay = new Set<Promise<Sandbox>>();

  const news = new Map<string, string[]>();

  interface Wish {
    taskId: string;
    mayMake: boolean;
    signal: AbortSignal | undefined;
  }

  async function bring(wish: Wish): Promise<Sandbox> {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const sandbox = await advance(wish, await store.get(wish.taskId));
      if (sandbox) return surroundings.dress(wish.taskId, sandbox);
    }
    throw new SandboxError('busy', 'The sandbox never came to rest.');
  }

  /** One step nearer to a machine that runs; undefined where it is to be looked at again. */
  async function advance(wish: Wish, machine: Machine | undefined): Promise<Sandbox | undefined> {
    if (machine?.isArchived) throw given();
    switch (machine?.state) {
      case undefined:
      case 'provisioning':
      case 'lost':
        return make(wish, machine);
      case 'hibernating':
      case 'resuming':
        if (now() - machine.changedAt > STALE_MS) return awaken(wish, machine);
        await delay(LOOK_MS, undefined, wish.signal ? { signal: wish.signal } : {});
        return undefined;
      case 'hibernated':
        return awaken(wish, machine);
      case 'archived':
        return machine.ref === null ? make(wish, machine) : awaken(wish, machine);
      case 'running':
      case 'failed':
        return machine.ref === null ? make(wish, machine) : attach(wish, machine, machine.ref);
    }
  }

  /** Makes the machine, or goes on with that; a new one in place of one that is lost, or was given back. */
  async function make(wish: Wish, seen: Machine | undefined): Promise<Sandbox | undefined> {
    const { taskId } = wish;
    if (!wish.mayMake) throw noMachine();
    const isAnew = seen?.state === 'lost' || seen?.state === 'archived';
    const generation = (seen?.generation ?? 1) + (isAnew ? 1 : 0);
    const making = await store.change(taskId, seen, {
      state: 'provisioning',
      generation,
      isSilent: !isAnew,
      ...(isAnew ? { detail: 'Making a new machine from what was fetched last' } : {}),
    });
    if (!making) return undefined;
    return failing(making, async () => {
      // What is left of the lost one; nobody else makes one by now, who could have the same name.
      if (isAnew && seen.ref) await (await providerOf(seen.ref.provider)).destroy(seen.ref);
      const { sandbox, prebuiltId } = await create(taskId);
      const made = await store.change(taskId, making, {
        state: 'provisioning',
        ref: sandbox.ref,
        isSilent: true,
      });
      if (made?.isArchived) {
        await provider.destroy(sandbox.ref);
        throw given();
      }
      if (!made) return undefined;
      return failing(made, async () => {
        await contents.bring(taskId, made, sandbox, { signal: wish.signal, prebuiltId });
        const isNew = generation === 1;
        const running: MachineChange = {
          state: 'running',
          ...(isNew ? { isSilent: true } : { detail: MADE_ANEW, isNews: true }),
        };
        return (await changeTo(made, running)) && sandbox;
      });
    });
  }

  /** From a machine that was built beforehand, where there is one. */
  async function create(taskId: string): Promise<{ sandbox: Sandbox; prebuiltId: string | undefined }> {
    const spec = await surroundings.spec(taskId);
    const kind = [provider.name, spec.image].filter(Boolean).join(' ');
    const prebuild = await deps.prebuilds.find(taskId);
    if (prebuild) {
      const { prebuildId, snapshot } = prebuild;
      try {
        const sandbox = await start(taskId, kind, () => provider.create({ ...spec, from: snapshot }));
        return { sandbox, prebuiltId: prebuildId };
      } catch (error) {
        if (!(error instanceof SandboxError) || !OF_WHAT_IT_IS_MADE_OF.has(error.code)) throw error;
        deps.logger.warn({ taskId, prebuildId, err: error }, 'what was built beforehand is gone');
        await deps.prebuilds.spoilt(prebuildId);
      }
    }
    return { sandbox: await start(taskId, kind, () => provider.create(spec)), prebuiltId: undefined };
  }

  /** The machine is believed to run: the provider knows. */
  async function attach(wish: Wish, seen: Machine, ref: SandboxRef): Promise<Sandbox | undefined> {
    const from = await providerOf(ref.provider);
    const truth = await from.state(ref);
    if (truth === 'gone') return isLost(seen);
    if (truth !== 'running') return awaken(wish, seen, 'It had been stopped');
    const sandbox = await from.resume(ref);
    // A turn that was stopped still wants what it left there; and what was brought before takes no time.
    const hasAll = seen.state === 'running';
    await contents.bring(wish.taskId, seen, sandbox, hasAll ? {} : wish);
    if (hasAll) return sandbox;
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
    return failing(waking, async () => {
      let sandbox: Sandbox;
      try {
        const from = await providerOf(ref.provider);
        sandbox = await start(taskId, ref.provider, () => from.resume(ref));
      } catch (error) {
        if (isLoss(error)) return isLost(waking);
        throw error;
      }
      const found = await contents.check(waking, sandbox);
      if (found === 'other') return isLost(waking, 'What came back is not this task’s machine');
      await contents.bring(taskId, waking, sandbox, wish);
      const mended = found === 'mended' ? { detail: PUT_BACK, isNews: true } : {};
      return (await changeTo(waking, { state: 'running', ...mended })) && sandbox;
    });
  }

  async function changeTo(seen: Machine, change: MachineChange): Promise<Machine | undefined> {
    const { taskId } = seen;
    const changed = await store.change(taskId, seen, change);
    if (changed && change.isNews) news.set(taskId, [...(news.get(taskId) ?? []), change.detail ?? '']);
    return changed;
  }

  async function isLost(seen: Machine, detail = 'The provider has it no more'): Promise<undefined> {
    await store.change(seen.taskId, seen, { state: 'lost', detail });
  }

  /** Carries out an intent: renewed while it takes, and written off where it fails, so that others look at what there is. */
  async function failing<T>(machine: Machine, work: () => Promise<T>): Promise<T> {
    const renewing = every(
      RENEW_MS,
      async () => void (await store.renew(machine)),
      () => {},
    );
    try {
      return await work();
    } catch (error) {
      await store.change(machine.taskId, machine, { state: 'failed', isSilent: true });
      throw error;
    } finally {
      void renewing.stop();
    }
  }

  /** Starts a machine, with patience for a provider that asks for it. */
  const start = (taskId: string, kind: string, work: () => Promise<Sandbox>): Promise<Sandbox> =>
    deps.breaker.guard(kind, async () => {
      for (let tried = 1; ; tried++) {
        try {
          return await work();
        } catch (error) {
          const isBusy = error instanceof SandboxError && error.code === 'busy';
          if (!isBusy || tried === TRIES) throw error;
          deps.logger.warn({ taskId, err: error }, 'the sandbox provider asks for patience');
          await delay(PAUSE_MS * 2 ** (tried - 1));
        }
      }
    });

  /** Joins whoever brings the machine already. */
  function brought(wish: Wish): Promise<Sandbox> {
    const { taskId } = wish;
    const known = opened.get(taskId);
    if (known && onTheWay.has(known)) {
      // Whoever brings it may only want what is there.
      return wish.mayMake
        ? known.catch((error) => (isLoss(error) ? brought(wish) : Promise.reject(error)))
        : known;
    }
    const forgetThis = (): void => {
      if (opened.get(taskId) === opening) opened.delete(taskId);
    };
    const opening: Promise<Sandbox> = bring(wish)
      .then((sandbox) => attentive(sandbox, forgetThis))
      .finally(() => onTheWay.delete(opening));
    opened.set(taskId, opening);
    onTheWay.add(opening);
    opening.catch(forgetThis);
    return opening;
  }

  /** `resuming` is the intent: whoever finds it stale wakes the machine, and asks for the snapshot again by its name. */
  async function keepAs(
    taskId: string,
    { name, news, signal }: { name: string; news: string | undefined; signal: AbortSignal },
  ): Promise<SnapshotRef> {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const seen = await store.get(taskId);
      const ref = seen?.state === 'running' ? seen.ref : null;
      const pausing = ref && (await store.change(taskId, seen, { state: 'resuming', isSilent: true }));
      if (!pausing) {
        await reopen(taskId, signal);
        continue;
      }
      return failing(pausing, async () => {
        const from = await providerOf(ref.provider);
        const snapshot = await from.snapshot(ref, name);
        const sandbox = await start(taskId, ref.provider, () => from.resume(ref));
        await contents.bring(taskId, pausing, sandbox, { signal });
        const told = news === undefined ? { isSilent: true } : { detail: news, isNews: true };
        await changeTo(pausing, { state: 'running', ...told });
        return snapshot;
      });
    }
    throw new SandboxError('busy', 'The sandbox never came to rest.');
  }

  /** A relay may have been killed between making a machine and remembering it. */
  const unremembered = async (taskId: string): Promise<SandboxRef | undefined> =>
    (await provider.list()).find((one) => one.taskId === taskId)?.ref;

  const forget = (taskId: string): void => void opened.delete(taskId);
  const reopen = (taskId: string, signal?: AbortSignal): Promise<Sandbox> =>
    brought({ taskId, mayMake: true, signal });

  return {
    open: (taskId) => opened.get(taskId) ?? reopen(taskId),
    reopen,
    async wake(taskId) {
      const machine = await store.get(taskId);
      if (machine === undefined || machine.state === 'provisioning' || machine.ref === null) return undefined;
      try {
        return await brought({ taskId, mayMake: false, signal: undefined });
      } catch (error) {
        if (isLoss(error)) return undefined;
        throw error;
      }
    },
    forget,
    keepAs,
    takeNews(taskId) {
      const taken = news.get(taskId) ?? [];
      news.delete(taskId);
      return taken;
    },
    async destroy(taskId, ref) {
      forget(taskId);
      news.delete(taskId);
      const machine = await store.get(taskId);
      const known = ref ?? (machine ? await unremembered(taskId) : undefined);
      if (known) await (await providerOf(known.provider)).destroy(known);
      if (machine) await store.change(taskId, machine, { state: 'archived', isSilent: true });
    },
  };
}

const isLoss = (error: unknown): boolean => error instanceof SandboxError && error.code === 'lost';

const given = (): SandboxError =>
  new SandboxError('lost', 'The task was archived, and its sandbox given back.');

const noMachine = (): SandboxError =>
  new SandboxError('lost', 'The task has no machine now.', {
    nextAction: 'Send a message: it gets a new one with the files as they were fetched last.',
  });
