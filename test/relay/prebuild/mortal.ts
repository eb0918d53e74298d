import type { BuildDeps } from '../../../server/sandbox/prebuild/build.ts';

/** Whoever builds is killed at its nth word to the world around it: `before` it is heard, or `after` that was done. */
export interface Death {
  at: number;
  when: 'before' | 'after';
}

/** A builder that dies, and whoever wants to know of it. */
export function mortal(death: Death): { change: (deps: BuildDeps) => BuildDeps; died: Promise<string> } {
  const died = Promise.withResolvers<string>();
  let words = 0;
  const never = new Promise<never>(() => {});

  const watched = <T extends object>(name: string, of: T): T =>
    new Proxy(of, {
      get(target, key, receiver) {
        const found: unknown = Reflect.get(target, key, receiver);
        if (typeof found !== 'function') return found;
        return async (...given: unknown[]) => {
          words += 1;
          // What is dead says nothing more.
          if (words > death.at) return never;
          const isLast = words === death.at;
          if (!isLast || death.when === 'after') {
            const result: unknown = await Reflect.apply(found, target, given);
            if (!isLast) return result;
          }
          died.resolve(`${death.when} ${name}.${String(key)}`);
          return never;
        };
      },
    });

  return {
    died: died.promise,
    change(deps) {
      const provider = watched('provider', deps.provider);
      const store = watched('store', deps.store);
      return { ...deps, store, provider, providerOf: async () => provider, repo: watched('repo', deps.repo) };
    },
  };
}
