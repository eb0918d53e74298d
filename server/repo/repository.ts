import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../errors.ts';
import type { Git } from './git.ts';
import { writeWhole } from './write-whole.ts';

/** What every function on a task's repository needs. */
export interface RepoDeps {
  git: Git;
  /** One bare repository a task: `<reposDir>/<taskId>.git`. */
  reposDir: string;
}

/** `allowFileUrls`: only for a relay that listens on loopback, whose callers may read this machine anyway. */
export interface TransportDeps extends RepoDeps {
  allowFileUrls: boolean;
}

const OBJECT_NAME = /^[0-9a-f]{40}$/;

/** The snapshot that the task started from, as a commit without parents. */
export const BASE_REF = 'refs/handoff/base';
/** The commit that the person was on. */
export const SOURCE_REF = 'refs/handoff/source';
/** A snapshot that the task started from before it was brought up to a newer commit: machines may still be at it. */
export const formerRef = (commit: string): string => `refs/handoff/former/${assertOid(commit)}`;
/** The snapshot of a tree that the task is to start from, before it does. */
export const snapshotRef = (tree: string): string => `refs/handoff/snapshot/${assertOid(tree)}`;
/** A tree that the workspace was captured as. */
export const proposalRef = (tree: string): string => `refs/handoff/proposal/${assertOid(tree)}`;

/** Path of a task's bare repository. A task id is made by the relay, so an odd one is a defect, not an input. */
export function repoPath(deps: { reposDir: string }, taskId: string): string {
  if (!/^[A-Za-z0-9][\w-]*$/.test(taskId)) throw new Error(`not a task id: ${JSON.stringify(taskId)}`);
  return path.resolve(deps.reposDir, `${taskId}.git`);
}

/** Throws `bad_request` unless `oid` is a full SHA-1 object name, which is also what keeps options out of argv. */
export function assertOid(oid: string): string {
  if (OBJECT_NAME.test(oid)) return oid;
  throw new AppError('bad_request', `Not a Git object name: ${JSON.stringify(oid.slice(0, 80))}.`, {
    nextAction: 'Send a full SHA-1 object name, 40 hexadecimal digits.',
  });
}

/**
 * Points `ref` at an object. Written here and not by `git update-ref`: one rename, so that whoever is killed in the middle
 * leaves neither half a ref nor a lock that would fail every repetition. Refs here have one writer and are never packed.
 */
export async function writeRef(repo: string, ref: string, oid: string): Promise<void> {
  await writeWhole(path.join(repo, ref), `${assertOid(oid)}\n`);
}

/** What `ref` points at; undefined where there is no such ref, or no repository. */
export async function readRef(repo: string, ref: string): Promise<string | undefined> {
  const text = await readFile(path.join(repo, ref), 'utf8').catch(() => '');
  const oid = text.trim();
  return OBJECT_NAME.test(oid) ? oid : undefined;
}

/** The tree of a commit in the task's repository. */
export async function treeOf(deps: RepoDeps, taskId: string, commit: string): Promise<string> {
  const args = ['rev-parse', '--verify', '--quiet', `${assertOid(commit)}^{tree}`];
  return (await deps.git(args, { repo: repoPath(deps, taskId) })).toString().trim();
}

/**
 * A new bare repository under a name of its own beside the task's. Whoever is killed while filling it leaves nothing that
 * could be taken for a finished one. What other attempts left is not touched: one of them may be at work, of a relay that took
 * this turn over while this one slept. Housekeeping removes what is a day old.
 */
export async function createAttempt(deps: RepoDeps, taskId: string, purpose: string): Promise<string> {
  await mkdir(deps.reposDir, { recursive: true, mode: 0o700 });
  const repo = path.resolve(
    deps.reposDir,
    `${path.basename(repoPath(deps, taskId))}.${purpose}-${randomUUID()}`,
  );
  await deps.git(['init', '--quiet', '--bare', repo]);
  return repo;
}
