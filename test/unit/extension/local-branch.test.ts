import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { branchTrouble, fetchBundle } from '../../../extension/git/local-branch.ts';
import { gitAt } from '../../../extension/git/run-git.ts';
import { git } from '../../fakes/git.ts';
import { createSampleRepo } from '../../fakes/sample.ts';

describe('a local branch of accepted changes', function () {
  this.timeout(20_000);
  let folder: string;
  let root: string;
  let base: string;
  let commit: string;
  let bundle: Uint8Array;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'handoff-branch-'));
    root = path.join(folder, 'mine');
    base = await createSampleRepo(root);
    const relay = path.join(folder, 'relay');
    await git(folder, ['clone', '--quiet', root, relay]);
    await writeFile(path.join(relay, 'README.md'), 'Changed by the agent.\n');
    await git(relay, ['commit', '--quiet', '--all', '--message=Change the README']);
    commit = (await git(relay, ['rev-parse', 'HEAD'])).trim();
    await git(relay, ['update-ref', `refs/handoff/commit/${commit}`, commit]);
    const file = path.join(folder, 'commits.bundle');
    await git(relay, ['bundle', 'create', '--quiet', file, `refs/handoff/commit/${commit}`, `^${base}`]);
    bundle = await readFile(file);
    // The person is in the middle of something: staged, edited, unknown to Git, and stashed.
    await writeFile(path.join(root, 'AGENTS.md'), 'stashed\n');
    await git(root, ['stash', '--quiet']);
    await writeFile(path.join(root, 'staged.txt'), 'staged\n');
    await git(root, ['add', 'staged.txt']);
    await writeFile(path.join(root, 'README.md'), 'edited\n');
    await writeFile(path.join(root, 'new.txt'), 'unknown\n');
    // A hook of the person's would see refs move.
    await writeFile(path.join(root, '.git/hooks/reference-transaction'), '#!/bin/sh\nexit 1\n', {
      mode: 0o755,
    });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const repo = () => ({ git: gitAt('git'), root });

  /** HEAD, index, stash, configuration and every file, by their bytes. */
  async function state(): Promise<Record<string, string>> {
    const names = ['HEAD', 'index', 'refs/stash', 'logs/HEAD', 'config', 'refs/heads/main'];
    const files = ['README.md', 'AGENTS.md', 'staged.txt', 'new.txt', ...names.map((name) => `.git/${name}`)];
    const hashes = files.map(async (name) => {
      const content = await readFile(path.join(root, name)).catch(() => 'absent');
      return [name, createHash('sha256').update(content).digest('hex')];
    });
    return Object.fromEntries(await Promise.all(hashes));
  }

  it('is made without touching HEAD, index, files or stash', async () => {
    const before = await state();
    await fetchBundle(repo(), bundle, { commit, ref: 'refs/heads/handoff/readme' });
    assert.deepEqual(await state(), before);
    assert.deepEqual(
      (await git(root, ['for-each-ref', '--format=%(refname) %(objectname)'])).trim().split('\n'),
      [
        `refs/heads/handoff/readme ${commit}`,
        `refs/heads/main ${base}`,
        `refs/stash ${(await git(root, ['rev-parse', 'refs/stash'])).trim()}`,
      ],
    );
    assert.equal(await git(root, ['show', 'handoff/readme:README.md']), 'Changed by the agent.\n');
    await git(root, ['fsck', '--no-dangling']);
  });

  it('is never put over a branch that is there', async () => {
    await assert.rejects(fetchBundle(repo(), bundle, { commit, ref: 'refs/heads/main' }), {
      code: 'conflict',
    });
    assert.equal((await git(root, ['rev-parse', 'main'])).trim(), base);
    assert.deepEqual(
      await Promise.all(
        ['main', 'main/x', 'handoff', 'handoff/readme', 'a b', '-x', '..', 'x.lock', 'free'].map((name) =>
          branchTrouble(repo(), name),
        ),
      ),
      [...Array(4).fill('taken'), ...Array(4).fill('invalid'), undefined],
    );
  });

  it('is refused where the commits are not those that were told, or do not fit', async () => {
    const other = path.join(folder, 'other');
    await git(folder, ['init', '--quiet', other]);
    const ref = 'refs/heads/x';
    await assert.rejects(fetchBundle({ git: gitAt('git'), root: other }, bundle, { commit, ref }), {
      code: 'conflict',
    });
    await assert.rejects(fetchBundle(repo(), bundle, { commit: base, ref }), { code: 'conflict' });
    await assert.rejects(fetchBundle(repo(), new Uint8Array(), { commit, ref }), { code: 'conflict' });
  });
});
