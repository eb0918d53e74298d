import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import pino from 'pino';
import { createDatabase, OF_A_PERSON } from '../../../server/engine/database.ts';
import type { SourcePlace } from '../../../server/protocol/source.ts';
import {
  type BuildDeps,
  buildPrebuild,
  type PrebuildSource,
} from '../../../server/sandbox/prebuild/build.ts';
import { createPrebuildStore } from '../../../server/sandbox/prebuild/prebuild-store.ts';
import { createPrebuilds, type Prebuilds } from '../../../server/sandbox/prebuild/prebuilds.ts';
import { sandboxVendor } from '../../fakes/sandbox-vendor.ts';

export const HOUR_MS = 3_600_000;
export const MOST = 2;

const URL = 'https://github.com/ada/engine';

export const wishOf = (source: Partial<SourcePlace> = {}, owner = 'ada'): PrebuildSource => ({
  owner,
  source: { url: URL, commit: 'a'.repeat(40), branch: 'main', ...source },
});

/** What is different of a relay. */
type Change = (deps: BuildDeps) => BuildDeps;
const unchanged: Change = (deps) => deps;

export type Yard = Awaited<ReturnType<typeof openYard>>;

/** Prebuilds over real Postgres and a vendor that does as it is told; repositories and what they ask for are played, and time stands still. */
export async function openYard(pool: pg.Pool) {
  await pool.query('TRUNCATE handoff.prebuilds');
  const vendor = sandboxVendor();
  let time = 1_000_000_000_000;
  const now = (): number => time;
  /** Repositories that are here, and how often one was fetched. */
  const repositories = new Set<string>();
  const fetched: string[] = [];
  const played = {
    /** What a prebuild or a task has for a key, by its source. */
    key: ({ owner, source }: PrebuildSource): string | undefined => JSON.stringify([owner, source.branch]),
    setUp: async (): Promise<boolean> => true,
  };
  const tasks = new Map<string, PrebuildSource>();

  const buildDeps = (change: Change): BuildDeps =>
    change({
      store: createPrebuildStore(createDatabase(pool, OF_A_PERSON), 'here', now),
      provider: vendor.provider,
      providerOf: async () => vendor.provider,
      repo: {
        prepare: async (id, { commit }) => {
          fetched.push(commit);
          repositories.add(id);
          return { baseCommit: commit, baseTree: commit };
        },
        checkout: async () => {},
        remove: async (id) => void repositories.delete(id),
      },
      environmentOf: (wish) => ({
        key: async () => played.key(wish),
        spec: async (taskId) => ({ taskId }),
        setUp: () => played.setUp(),
      }),
      now,
      logger: pino({ level: 'silent' }),
    });

  /** As another relay process on the same database has it. */
  function openRelay({ most = MOST, change = unchanged } = {}): Prebuilds {
    const { environmentOf: ofPrebuild, ...deps } = buildDeps(change);
    const ofTask = {
      key: async (taskId: string) => {
        const wish = tasks.get(taskId);
        return wish && played.key(wish);
      },
    };
    const mayReadFiles = (owner: string): boolean => owner === 'ada';
    return createPrebuilds({ ...deps, environment: { ofTask, ofPrebuild }, mayReadFiles, most });
  }

  const prebuilds = openRelay();
  return {
    vendor,
    played,
    fetched,
    openRelay,
    prebuilds,
    now,
    pass: (ms: number): void => {
      time += ms;
    },
    addTask: (taskId: string, wish: PrebuildSource): void => void tasks.set(taskId, wish),
    /** As a wish that is granted. */
    build: (wish: PrebuildSource, change: Change = unchanged, signal = new AbortController().signal) =>
      buildPrebuild(buildDeps(change), wish, signal),
    async states(): Promise<string[]> {
      const { rows } = await pool.query<{ state: string }>(
        'SELECT state FROM handoff.prebuilds ORDER BY started_at, prebuild_id',
      );
      return rows.map(({ state }) => state);
    },
    /** All that there is of prebuilds. */
    async left() {
      const { rows } = await pool.query('SELECT 1 FROM handoff.prebuilds');
      const machines = [...vendor.machines.values()].filter(({ state }) => state !== 'gone');
      return {
        rows: rows.length,
        machines: machines.length,
        snapshots: vendor.snapshots.size,
        repositories: repositories.size,
      };
    },
  };
}

/** Waits for what is on its way. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(5);
}

export const NOTHING = { rows: 0, machines: 0, snapshots: 0, repositories: 0 };
export const ONE = { rows: 1, machines: 0, snapshots: 1, repositories: 1 };
