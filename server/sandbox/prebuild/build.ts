import { createHash, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { SourcePlace, SourceSpec } from '../../protocol/source.ts';
import type { Prepared } from '../../tasks/task-store.ts';
import { type Sandbox, SandboxError, type SandboxProvider, type SandboxSpec } from '../sandbox.ts';
import type { Leftovers, PrebuildStore } from './prebuild-store.ts';

/** Where a prebuild's files come from, and for whom: nobody else's tasks begin from it. */
export interface PrebuildSource {
  owner: string;
  source: SourcePlace;
}

/** What a repository asks for, of a prebuild or of a task. */
export interface PrebuildEnvironment {
  /** Of all that decides what a machine of it has when an agent begins; undefined where there is to be no prebuild of it. */
  key(id: string): Promise<string | undefined>;
  spec(id: string): Promise<SandboxSpec>;
  /** @returns whether it went well, also where there is nothing to set up */
  setUp(id: string, sandbox: Sandbox, signal: AbortSignal): Promise<boolean>;
}

export interface BuildDeps {
  store: PrebuildStore;
  /** The provider that new machines come from. */
  provider: SandboxProvider;
  /** The provider of that name. @throws SandboxError `unavailable` */
  providerOf: (name: string) => Promise<SandboxProvider>;
  repo: {
    prepare(id: string, source: SourceSpec, signal: AbortSignal): Promise<Prepared>;
    checkout(id: string, sandbox: Sandbox, tree: undefined, signal: AbortSignal): Promise<void>;
    remove(id: string): Promise<void>;
  };
  /** Of a prebuild whose files are here. */
  environmentOf(wish: PrebuildSource, prepared: Prepared): PrebuildEnvironment;
  now: () => number;
  logger: Logger;
}

/** `needless`: it is not worth while, or somebody else has it, or has given it up. */
type Outcome = 'ready' | 'failed' | 'needless';

/** Names whose it is, where from and of which branch: all that is known of a prebuild before anything is fetched. */
export function placeOf({ owner, source: { url, remote, branch } }: PrebuildSource): string {
  const place = JSON.stringify([owner, url, remote, branch]);
  return createHash('sha256').update(place).digest('hex').slice(0, 32);
}

/** Builds one, unless somebody else does. Whoever is killed leaves a row that says what to remove. */
export async function buildPrebuild(
  deps: BuildDeps,
  wish: PrebuildSource,
  signal: AbortSignal,
): Promise<void> {
  const { store, provider } = deps;
  const prebuildId = `prebuild-${randomUUID()}`;
  const began = deps.now();
  if (!(await store.begin({ prebuildId, place: placeOf(wish), provider: provider.name }))) return;
  const left: Leftovers = { prebuildId, provider: provider.name, hasSnapshot: false, snapshot: null };
  let outcome: Outcome = 'needless';
  try {
    outcome = await make(deps, wish, left, signal);
    if (outcome === 'ready')
      deps.logger.info({ prebuildId, ms: deps.now() - began }, 'a machine was built for tasks to come');
  } catch (error) {
    if (!signal.aborted) outcome = 'failed';
    throw error;
  } finally {
    if (outcome !== 'ready') await giveUp(deps, left, outcome);
  }
}

/** What is made is noted in `left` before it is. */
async function make(
  { store, provider, repo, environmentOf }: BuildDeps,
  wish: PrebuildSource,
  left: Leftovers,
  signal: AbortSignal,
): Promise<Outcome> {
  const { prebuildId } = left;
  const environment = environmentOf(
    wish,
    await repo.prepare(prebuildId, { ...wish.source, overlay: [] }, signal),
  );
  const key = await environment.key(prebuildId);
  if (key === undefined || !(await store.claim(prebuildId, key))) return 'needless';
  signal.throwIfAborted();
  const machine = await provider.create({ ...(await environment.spec(prebuildId)), taskId: prebuildId });
  await repo.checkout(prebuildId, machine, undefined, signal);
  if (!(await environment.setUp(prebuildId, machine, signal))) return 'failed';
  signal.throwIfAborted();
  // It was set up with what was allowed meanwhile.
  if ((await environment.key(prebuildId)) !== key) return 'needless';
  if (!(await store.beginSnapshot(prebuildId))) return 'needless';
  left.hasSnapshot = true;
  left.snapshot = await provider.snapshot(machine.ref, prebuildId);
  if (!(await store.keepSnapshot(prebuildId, left.snapshot))) return 'needless';
  await provider.destroy(machine.ref);
  return (await store.finish(prebuildId)) ? 'ready' : 'needless';
}

/** What cannot be removed now the next sweep removes. */
async function giveUp(deps: BuildDeps, left: Leftovers, outcome: 'failed' | 'needless'): Promise<void> {
  const { store, logger } = deps;
  const { prebuildId } = left;
  try {
    await (outcome === 'failed' ? store.fail(prebuildId) : store.discard(prebuildId));
    await removeLeftovers(deps, left);
    if (outcome === 'needless') await store.remove(prebuildId);
  } catch (error) {
    logger.warn({ prebuildId, err: error }, 'a prebuilt machine could not be removed');
  }
}

/** Removes all that there may be of a prebuild but its row. May be repeated. */
export async function removeLeftovers(
  { providerOf, repo }: Pick<BuildDeps, 'providerOf' | 'repo'>,
  { prebuildId, provider: name, hasSnapshot, snapshot }: Leftovers,
): Promise<void> {
  const provider = await providerOf(name);
  const machine = (await provider.list()).find(({ taskId }) => taskId === prebuildId)?.ref;
  // Asked for by its name again, the provider says which it is. Where that was never noted, its machine is still there.
  const taken = snapshot ?? (hasSnapshot && machine ? await askAgain() : undefined);
  if (taken) await provider.deleteSnapshot(taken);
  if (machine) await provider.destroy(machine);
  await repo.remove(prebuildId);

  async function askAgain() {
    try {
      return machine && (await provider.snapshot(machine, prebuildId));
    } catch (error) {
      if (error instanceof SandboxError && error.code === 'lost') return undefined;
      throw error;
    }
  }
}
