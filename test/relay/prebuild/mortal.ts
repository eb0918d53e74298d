import type { BuildDeps } from '../../../server/sandbox/prebuild/build.ts';

/** Whoever builds is killed at its nth word to the world around it: `before` it is heard, or `after` that was done. */
export interface Death {
  at: number;
  when: 'before' | 'after';
}

/** A process that dies, over and over in one test. */
export interface Dying {
  /** The same, whose functions of those names (all of them where none is given) are words that count. */
  watched<T extends object>(name: string, of: T, words?: readonly (keyof T & string)[]): T;
  /** Resolves with the word at which it died. */
  died: Promise<string>;
}

export function dying(death: Death): Dying {
  const died = Promise.withResolvers<string>();
  let said = 0;
  const never = new Promise<never>(() => {});
  const count = (word: string): void => {
    said += 1;
    if (said === death.at) died.resolve(`${death.when} ${word}`);
  };
  return {
    died: died.promise,
    watched: (name, of, words) =>
      new Proxy(of, {
        get(target, key, receiver) {
          const found: unknown = Reflect.get(target, key, receiver);
          if (typeof found !== 'function') return found;
          return async (...given: unknown[]) => {
            // What is dead says nothing more.
            if (said >= death.at) return never;
            if (words !== undefined && !words.some((word) => word === key))
              return Reflect.apply(found, target, given);
            if (death.when === 'before') count(`${name}.${String(key)}`);
            const result: unknown =
              said >= death.at ? await never : await Reflect.apply(found, target, given);
            // What it asks for on its way are words before its own.
            if (death.when === 'after' && said < death.at) count(`${name}.${String(key)}`);
            return said >= death.at ? never : result;
          };
        },
      }),
  };
}

/** A builder that dies, and whoever wants to know of it. */
export function mortal(death: Death): { change: (deps: BuildDeps) => BuildDeps; died: Promise<string> } {
  const { died, watched } = dying(death);
  return {
    died,
    change(deps) {
      const provider = watched('provider', deps.provider);
      const store = watched('store', deps.store);
      return { ...deps, store, provider, providerOf: async () => provider, repo: watched('repo', deps.repo) };
    },
  };
}
