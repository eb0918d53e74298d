import { appendFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type * as z from 'zod';
import { AppError } from '../errors.ts';
import type { SourceSpec } from '../protocol/source.ts';
import { readBundleHeader } from './bundle-header.ts';
import { type Git, GitError } from './git.ts';
import { overlayEdits } from './overlay.ts';
import {
  BASE_REF,
  createAttempt,
  proposalRef,
  type RepoDeps,
  readRef,
  repoPath,
  SOURCE_REF,
  type TransportDeps,
  treeOf,
  writeRef,
} from './repository.ts';
import { parseTransport, type Transport } from './source-url.ts';
import { writeTree } from './trees.ts';

/** What a task starts from. */
export interface PreparedSource {
  /** The commit that the person was on; parent of what is pushed. */
  baseCommit: string;
  /** The tree of that commit with the uncommitted files laid over it. */
  baseTree: string;
}

export interface SourceInput {
  taskId: string;
  source: z.output<typeof SourceSpec>;
  /** The uploaded bundle, where `source.sourceId` names one. */
  bundlePath?: string;
}

/**
 * Makes the task's bare repository: exactly the pinned commit without its history, and the base snapshot. It appears under
 * its name when it is complete; an existing one is answered from, so a repetition is one lookup.
 *
 * Throws `source_not_allowed`, `source_unreadable` or `overlay_invalid`.
 */
export async function prepareSource(
  deps: TransportDeps,
  { taskId, source, bundlePath }: SourceInput,
  signal?: AbortSignal,
): Promise<PreparedSource> {
  const repo = repoPath(deps, taskId);
  const edits = overlayEdits(source.overlay);
  const transport = source.url === undefined ? undefined : parseTransport(source.url, deps);
  const { commit } = source;
  if (commit.length !== 40) {
    throw unreadable(
      'The repository names its objects by SHA-256, which GitHub and this relay do not support.',
      {
        nextAction: 'Use a SHA-1 repository.',
      },
    );
  }
  const existing = await readRef(repo, BASE_REF);
  if (existing !== undefined) return { baseCommit: commit, baseTree: await treeOf(deps, taskId, existing) };

  const attempt = await createAttempt(deps, taskId, 'new');
  if (bundlePath !== undefined)
    await fetchBundle(deps.git, attempt, { bundlePath, source, transport, signal });
  else if (transport !== undefined) await fetchCommits(deps.git, attempt, transport, [commit], signal);
  else throw unreadable('The uploaded bundle is not here.', { nextAction: 'Upload the bundle again.' });
  const from = await commitTree(deps.git, attempt, commit, signal);
  await writeRef(attempt, SOURCE_REF, commit);
  const { tree } = await writeTree(deps.git, attempt, { from, edits, refFor: () => BASE_REF, signal });
  await rename(attempt, repo).catch(async (error: unknown) => {
    // Another attempt was faster. It was made from the same input, so it is as good as this one.
    if ((await readRef(repo, BASE_REF)) === undefined) throw error;
    await rm(attempt, { recursive: true, force: true });
  });
  return { baseCommit: commit, baseTree: tree };
}

/**
 * A bundle of one commit without parents whose tree is the task's base, and of the proposal that a workspace is to end at where
 * there is one. The same bytes of history each time.
 */
export async function startBundle(
  deps: RepoDeps,
  taskId: string,
  { headTree, signal }: { headTree?: string | undefined; signal?: AbortSignal } = {},
): Promise<Uint8Array> {
  const proposal = headTree === undefined ? [] : [proposalRef(headTree)];
  return deps.git(['bundle', 'create', '--quiet', '-', BASE_REF, ...proposal], {
    repo: repoPath(deps, taskId),
    maxOutputBytes: START_BUNDLE_LIMIT,
    signal,
  });
}

/** It passes through memory on its way into the sandbox. */
const START_BUNDLE_LIMIT = 2 ** 30;

async function fetchBundle(
  git: Git,
  repo: string,
  input: {
    bundlePath: string;
    source: SourceInput['source'];
    transport: Transport | undefined;
    signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { bundlePath, transport, signal } = input;
  const { commit, shallow = [] } = input.source;
  const header = await readBundleHeader(bundlePath).catch(() => undefined);
  const ref = header?.refs.find(({ oid }) => oid === commit);
  if (header === undefined || ref === undefined) {
    throw unreadable('The uploaded file is not a Git bundle that ends in the pinned commit.', {
      nextAction:
        'Create it with `git bundle create`, with a ref that points at that commit, and upload it again.',
    });
  }
  if (header.prerequisites.length > 0) {
    if (transport === undefined) {
      throw unreadable(
        'The uploaded bundle builds on commits that it does not contain, and there is no URL for them.',
        {
          nextAction: 'Upload a bundle of the whole history, or name the repository that has the rest.',
        },
      );
    }
    await fetchCommits(git, repo, transport, header.prerequisites, signal);
  }
  // A bundle does not say where its history is cut off, and Git would miss what is beyond.
  if (shallow.length > 0) await appendFile(path.join(repo, 'shallow'), `${shallow.join('\n')}\n`);
  const args = ['fetch', '--quiet', '--no-tags', path.resolve(bundlePath), `${ref.name}:${SOURCE_REF}`];
  await git(args, { repo, transports: ['file'], signal }).catch((error: unknown) => {
    throw asUnreadable(error, 'The uploaded bundle could not be read.', {
      nextAction: 'Upload the bundle again; if it fails again, check it with `git bundle verify`.',
    });
  });
}

/** Fetches commits without their history, and refs that keep them. */
async function fetchCommits(
  git: Git,
  repo: string,
  transport: Transport,
  commits: string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (transport.protocol === 'file' && (await stat(transport.address).catch(() => undefined)) === undefined) {
    throw unreadable(`There is no repository at ${transport.address}.`, {
      nextAction: 'Check the path; the relay must run on the machine that has the repository.',
    });
  }
  const refspecs = commits.map((commit) => `${commit}:refs/handoff/fetched/${commit}`);
  const args = ['fetch', '--quiet', '--no-tags', '--depth=1', transport.address, ...refspecs];
  await git(args, { repo, transports: [transport.protocol], signal }).catch((error: unknown) => {
    throw asUnreadable(error, `Commit ${commits[0]} could not be fetched from ${transport.address}.`, {
      nextAction:
        transport.protocol === 'file'
          ? 'Check that the folder is a Git repository which has that commit.'
          : 'Check the address and that the commit is pushed. For a private repository, delegate from a local clone on a relay of your own, or upload a bundle.',
    });
  });
}

async function commitTree(git: Git, repo: string, commit: string, signal: AbortSignal | undefined) {
  const args = ['rev-parse', '--verify', '--quiet', `${commit}^{commit}^{tree}`];
  const printed = await git(args, { repo, signal }).catch((error: unknown) => {
    throw asUnreadable(error, `${commit} is not a commit.`, {
      nextAction: 'Pin a commit, not a tag or a tree.',
    });
  });
  return printed.toString().trim();
}

function unreadable(message: string, options: { nextAction: string; cause?: unknown }): AppError {
  return new AppError('source_unreadable', message, options);
}

function asUnreadable(error: unknown, message: string, options: { nextAction: string }): unknown {
  return error instanceof GitError ? unreadable(message, { ...options, cause: error }) : error;
}
