import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ExpectedError } from '../ui/failure.ts';
import type { Git } from './run-git.ts';

export interface Repo {
  git: Git;
  root: string;
}

/** No hook, no configured conversion and no clean-up may take part: nothing of the person's is to change but the one ref. */
const ALONE = ['-c', 'core.hooksPath=/dev/null', '-c', 'gc.auto=0', '-c', 'maintenance.auto=false'];

/**
 * Puts the commits of a bundle into the repository, and a ref on the last of them. HEAD, index, files and stash are not touched.
 * @param bundle has one ref, and builds on a commit that the repository has
 * @param ref in full; it must be new, but for `refs/handoff/<commit>`
 */
export async function fetchBundle(
  { git, root }: Repo,
  bundle: Uint8Array,
  { commit, ref }: { commit: string; ref: string },
): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'handoff-bundle-'));
  try {
    const file = path.join(folder, 'commits.bundle');
    await writeFile(file, bundle);
    const [head = ''] = (await run({ git, root }, ['bundle', 'list-heads', file])).split('\n');
    const [oid, name = ''] = head.split(' ');
    if (oid !== commit) throw notReceived('The relay sent other commits than it said.');
    const held = `refs/handoff/${commit}`;
    const fetch = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--recurse-submodules=no', file];
    await run({ git, root }, [...fetch, `${name}:${held}`]);
    if (ref === held) return;
    // Only where it is not there: whatever a branch of that name holds is the person's.
    const isNew = '0'.repeat(commit.length);
    await run({ git, root }, ['update-ref', '-m', 'handoff: accepted changes', ref, commit, isNew]);
    await run({ git, root }, ['update-ref', '-d', held]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Why a branch of that name cannot be made; nothing where it can. */
export async function branchTrouble(
  { git, root }: Repo,
  name: string,
): Promise<'invalid' | 'taken' | undefined> {
  const checked = await git(['-C', root, 'check-ref-format', '--branch', name]);
  if (checked.exitCode !== 0 || name.startsWith('-')) return 'invalid';
  // `a` and `a/b` cannot both be branches.
  const { stdout } = await git(['-C', root, 'for-each-ref', '--format=%(refname)', 'refs/heads/']);
  const taken = new TextDecoder().decode(stdout).split('\n').filter(Boolean);
  const ref = `refs/heads/${name}`;
  return taken.some((other) => other === ref || other.startsWith(`${ref}/`) || ref.startsWith(`${other}/`))
    ? 'taken'
    : undefined;
}

async function run({ git, root }: Repo, args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await git(['-C', root, ...ALONE, ...args], {
    env: { GIT_TERMINAL_PROMPT: '0' },
  });
  if (exitCode === 0) return new TextDecoder().decode(stdout);
  throw notReceived(`Git could not take the commits (${stderr.trim().slice(0, 500)}).`);
}

const notReceived = (message: string): ExpectedError =>
  new ExpectedError(
    'conflict',
    message,
    'Fetch from the remote, so that the commit which the task started from is here, then try again.',
  );
