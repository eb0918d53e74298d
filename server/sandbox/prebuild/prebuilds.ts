import { isFileUrl } from '../../repo/source-url.ts';
import {
  type BuildDeps,
  buildPrebuild,
  type PrebuildEnvironment,
  type PrebuildSource,
  placeOf,
  removeLeftovers,
} from './build.ts';
import type { Prebuild } from './prebuild-store.ts';
import { createWishes } from './wishes.ts';

/** Machines that are filled and set up before anybody waits for them. */
export interface Prebuilds {
  /** What the task's machine may begin as a copy of. Never fails: without it the task begins empty. */
  find(taskId: string): Promise<Prebuild | undefined>;
  /** Builds one in the background, where that is worth it and none was of use just now. Returns at once. */
  want(wish: PrebuildSource): void;
  /** The same for the tasks after this one, which begin from the same source in all likelihood, where this one could have had none. */
  wantAfter(taskId: string, wish: PrebuildSource): Promise<void>;
  /** The provider does not have it: nobody is to find it any more. Never fails. */
  spoilt(prebuildId: string): Promise<void>;
  /** Removes those that are of no use any more. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

export interface PrebuildsDeps extends Omit<BuildDeps, 'environmentOf'> {
  environment: {
    /** Of tasks. */
    ofTask: Pick<PrebuildEnvironment, 'key'>;
    ofPrebuild: BuildDeps['environmentOf'];
  };
  /** Whether the user may have this machine's files read. */
  mayReadFiles: (owner: string) => boolean;
  /** How many are kept; 0 turns it off. */
  most: number;
}

const MINUTE_MS = 60_000;
/** What was tried is not tried again within this long, whatever came of it: somebody types, again and again. */
const DEAF_MS = 60 * MINUTE_MS;
/** For this long after one was built or found, it is taken to be what the next task of its place needs. */
const SERVED_MS = 10 * MINUTE_MS;
/** Wishes that wait, at most: one that is older than so many others is of no use to anybody any more. */
const MOST_WISHES = 4;

interface Wish extends PrebuildSource {
  /** What tasks look for in vain; undefined where nobody has looked. */
  missing: string | undefined;
}

export function createPrebuilds(deps: PrebuildsDeps): Prebuilds {
  const { store, provider, environment, logger } = deps;
  const building = { ...deps, environmentOf: environment.ofPrebuild };
  const tried = new Map<string, number>();
  const closing = new AbortController();
  const { signal } = closing;
  const wishes = createWishes<Wish>(MOST_WISHES, grant);

  async function grant({ missing, ...wish }: Wish): Promise<void> {
    try {
      const place = placeOf(wish);
      const now = deps.now();
      for (const [old, at] of tried) if (at <= now - DEAF_MS) tried.delete(old);
      const name = JSON.stringify([place, wish.source.commit, missing]);
      if (signal.aborted || tried.has(name)) return;
      if (missing === undefined && (await store.isServed(place, now - SERVED_MS))) return;
      tried.set(name, now);
      await buildPrebuild(building, wish, signal);
    } catch (error) {
      if (!signal.aborted)
        logger.warn({ repository: wish.source.url, err: error }, 'no machine could be built beforehand');
    }
  }

  function ask(wish: Wish): void {
    const { owner, source } = wish;
    // An uploaded bundle is read once, by its task.
    if (deps.most === 0 || signal.aborted || source.url === undefined || source.sourceId !== undefined)
      return;
    if (isFileUrl(source.url) && !deps.mayReadFiles(owner)) return;
    wishes.add(JSON.stringify([owner, source.url]), wish);
  }

  return {
    async find(taskId) {
      if (deps.most === 0) return undefined;
      try {
        const key = await environment.ofTask.key(taskId);
        const found = key === undefined ? undefined : await store.find(key);
        return found?.snapshot.provider === provider.name ? found : undefined;
      } catch (error) {
        logger.warn({ taskId, err: error }, 'no prebuilt machine could be looked for');
        return undefined;
      }
    },

    want: (wish) => ask({ ...wish, missing: undefined }),

    async wantAfter(taskId, wish) {
      if (deps.most === 0) return;
      const missing = await environment.ofTask.key(taskId);
      if (missing !== undefined && !(await store.find(missing))) ask({ ...wish, missing });
    },

    async spoilt(prebuildId) {
      tried.clear();
      await store
        .discard(prebuildId)
        .catch((error: unknown) =>
          logger.warn({ prebuildId, err: error }, 'a prebuilt machine that is gone is still found'),
        );
    },

    async sweep() {
      await store.discardStale(deps.most);
      for (const left of await store.discarded()) {
        const { prebuildId } = left;
        try {
          await removeLeftovers(deps, left);
          await store.remove(prebuildId);
        } catch (error) {
          logger.warn({ prebuildId, err: error }, 'a prebuilt machine could not be removed');
        }
      }
    },

    close() {
      closing.abort();
      return wishes.close();
    },
  };
}
