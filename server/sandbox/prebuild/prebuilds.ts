import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { createTurnstile } from '../../engine/turnstile.ts';
import type { SourcePlace, SourceSpec } from '../../protocol/source.ts';
import type { Prepared } from '../../tasks/task-store.ts';
import type { Sandbox, SandboxProvider, SandboxSpec } from '../sandbox.ts';
import type { Prebuild, PrebuildStore } from './prebuild-store.ts';

/** Where a prebuild's files come from, and for whom: nobody else's tasks begin from it. */
export interface PrebuildSource {
  owner: string;
  source: SourcePlace;
}

/** Machines that are filled and set up before anybody waits for them. */
export interface Prebuilds {
  /** What the task's machine may begin as a copy of. Never fails: without it the task begins empty. */
  find(taskId: string): Promise<Prebuild | undefined>;
  /** Builds one in the background, where that is worth it and none is there. Returns at once. */
  want(wish: PrebuildSource): void;
  /** The same for the tasks after this one, which begin from the same source in all likelihood. */
  wantAfter(taskId: string, wish: PrebuildSource): Promise<void>;
  /** Removes those that are of no use any more. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** What a repository asks for, of a prebuild or of a task. */
export interface PrebuildEnvironment {
  /** Of all that decides what a machine of it has when an agent begins; undefined where a prebuild is not worth it. */
  key(id: string): Promise<string | undefined>;
  spec(id: string): Promise<SandboxSpec>;
  /** @returns whether it went well, also where there is nothing to set up */
  setUp(id: string, sandbox: Sandbox, signal: AbortSignal): Promise<boolean>;
}

export interface PrebuildsDeps {
  store: PrebuildStore;
  provider: SandboxProvider;
  repo: {
    prepare(id: string, source: SourceSpec, signal: AbortSignal): Promise<Prepared>;
    checkout(id: string, sandbox: Sandbox, tree: undefined, signal: AbortSignal): Promise<void>;
    remove(id: string): Promise<void>;
  };
  environment: {
    /** Of tasks. */
    ofTask: Pick<PrebuildEnvironment, 'key'>;
    /** Of a prebuild whose files are here. */
    of(wish: PrebuildSource, prepared: Prepared): PrebuildEnvironment;
  };
  /** How many are kept; 0 turns it off. */
  most: number;
  now: () => number;
  logger: Logger;
}

/** The same wish again within this long (ms) is heard once: somebody types, again and again. */
const DEAF_MS = 60 * 60_000;

export function createPrebuilds(deps: PrebuildsDeps): Prebuilds {
  const { store, provider, repo, logger } = deps;
  const oneByOne = createTurnstile(1);
  const heard = new Map<string, number>();
  const closing = new AbortController();
  const { signal } = closing;
  let building: Promise<void> = Promise.resolve();

  /** Every step may be repeated; whoever is killed leaves a row that says what to remove. */
  async function build(wish: PrebuildSource): Promise<void> {
    signal.throwIfAborted();
    const prebuildId = `prebuild-${randomUUID()}`;
    let isKept = false;
    try {
      const prepared = await repo.prepare(prebuildId, { ...wish.source, overlay: [] }, signal);
      const environment = deps.environment.of(wish, prepared);
      const key = await environment.key(prebuildId);
      if (key === undefined || !(await store.begin(key, prebuildId))) return;
      isKept = await make(prebuildId, environment);
      if (!isKept) await store.fail(prebuildId);
    } finally {
      if (!isKept) await repo.remove(prebuildId);
    }
  }

  async function make(prebuildId: string, environment: PrebuildEnvironment): Promise<boolean> {
    const began = deps.now();
    const machine = await provider.create({ ...(await environment.spec(prebuildId)), taskId: prebuildId });
    try {
      await repo.checkout(prebuildId, machine, undefined, signal);
      if (!(await environment.setUp(prebuildId, machine, signal))) return false;
      await store.finish(prebuildId, await provider.snapshot(machine.ref, prebuildId));
      logger.info({ prebuildId, ms: deps.now() - began }, 'a machine was built for tasks to come');
      return true;
    } finally {
      await provider.destroy(machine.ref);
    }
  }

  async function tidy(prebuildId: string, prebuild: Awaited<ReturnType<PrebuildStore['unwanted']>>[number]) {
    const { snapshot } = prebuild;
    if (snapshot?.provider === provider.name) await provider.deleteSnapshot(snapshot);
    else if (snapshot === null) {
      const left = (await provider.list()).find(({ taskId }) => taskId === prebuildId);
      if (left) await provider.destroy(left.ref);
    }
    await repo.remove(prebuildId);
    await store.remove(prebuildId);
  }

  function want(wish: PrebuildSource): void {
    // An uploaded bundle is read once, by its task.
    if (deps.most === 0 || wish.source.url === undefined || wish.source.sourceId !== undefined) return;
    const { url, commit } = wish.source;
    const name = JSON.stringify([wish.owner, url, commit]);
    for (const [old, at] of heard) if (at <= deps.now() - DEAF_MS) heard.delete(old);
    if (heard.has(name)) return;
    heard.set(name, deps.now());
    building = oneByOne(() => build(wish)).catch((error: unknown) => {
      if (!signal.aborted)
        logger.warn({ repository: url, err: error }, 'no machine could be built beforehand');
    });
  }

  return {
    async find(taskId) {
      if (deps.most === 0) return undefined;
      try {
        const key = await deps.environment.ofTask.key(taskId);
        const found = key === undefined ? undefined : await store.find(key);
        return found?.snapshot.provider === provider.name ? found : undefined;
      } catch (error) {
        logger.warn({ taskId, err: error }, 'no prebuilt machine could be looked for');
        return undefined;
      }
    },

    want,

    async wantAfter(taskId, wish) {
      if (deps.most === 0) return;
      const key = await deps.environment.ofTask.key(taskId);
      if (key !== undefined && !(await store.find(key))) want(wish);
    },

    async sweep() {
      for (const prebuild of await store.unwanted(deps.most)) {
        await tidy(prebuild.prebuildId, prebuild).catch((error: unknown) =>
          logger.warn(
            { prebuildId: prebuild.prebuildId, err: error },
            'a prebuilt machine could not be removed',
          ),
        );
      }
    },

    async close() {
      closing.abort();
      await building;
    },
  };
}
