import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { baseIn, moveInto } from '../../../server/repo/move.ts';
import { prepareSource, startBundle } from '../../../server/repo/source.ts';
import { createTaskRepo } from '../../../server/repo/task-repo.ts';
import { captureProposal, checkoutInto } from '../../../server/repo/workspace.ts';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { directorySandbox } from './directory-sandbox.ts';
import { type Files, git, makeClone, repoDeps, temporaryFolder, writeFiles } from './repositories.ts';

const OLD: Files = {
  'same.txt': 'same\r\n',
  'changed.txt': 'old!\n',
  'gone/away.txt': 'x',
  'bin/run': { exec: '#!/bin/sh\n' },
  link: { link: 'same.txt' },
  '.gitignore': 'node_modules/\n',
};
const NEW: Files = {
  'changed.txt': 'new!\n',
  'gone/away.txt': null,
  'deep/er/new': 'y',
  link: { link: 'changed.txt' },
};

/** A machine that was filled for a prebuild, and a task at a later commit of the same repository. */
async function prebuilt(folder: string) {
  const deps = repoDeps(folder);
  const { clone, commit, url } = makeClone(folder, { ...OLD, 'large.bin': 'z'.repeat(200_000) });
  await prepareSource(deps, { taskId: 'prebuild-1', source: { url, commit, overlay: [] } });
  writeFiles(clone, NEW);
  git(clone, ['add', '--all']);
  git(clone, ['commit', '--quiet', '--message', 'later']);
  const later = git(clone, ['rev-parse', 'HEAD']).trim();
  const { baseTree } = await prepareSource(deps, {
    taskId: 't',
    source: { url, commit: later, overlay: [] },
  });
  const sandbox = directorySandbox(path.join(folder, 'sandbox'));
  await checkoutInto(sandbox, await startBundle(deps, 'prebuild-1'), 'handoff/prebuild');
  writeFiles(sandbox.workdir, { 'node_modules/dep/index.js': 'installed' });
  const from = (await baseIn(sandbox)) ?? '';
  return { deps, sandbox, from, baseTree, clone };
}

/** Counts the bytes that are sent into it. */
function counting<S extends Sandbox>(sandbox: S): { sandbox: S; sent: () => number } {
  let sent = 0;
  const putScratch = (name: string, data: Uint8Array): Promise<void> => {
    sent += data.byteLength;
    return sandbox.putScratch(name, data);
  };
  return { sandbox: { ...sandbox, putScratch }, sent: () => sent };
}

const ls = (folder: string): string =>
  execFileSync('bash', ['-c', 'find . -path ./.git -prune -o ! -type d -printf "%p %y %m %l\\n" | sort'], {
    cwd: folder,
    encoding: 'utf8',
  });

describe('moving a filled workspace to another task’s base', () => {
  it('comes to what filling an empty one comes to, and leaves what Git ignores', async () => {
    using folder = temporaryFolder();
    const { deps, sandbox, from, baseTree } = await prebuilt(folder.path);
    await moveInto(deps, sandbox, { taskId: 't', from, prebuiltId: 'prebuild-1', branch: 'main' });
    const fresh = directorySandbox(path.join(folder.path, 'fresh'));
    await checkoutInto(fresh, await startBundle(deps, 't'), 'main');
    assert.equal(ls(sandbox.workdir).replace('./node_modules/dep/index.js f 644 \n', ''), ls(fresh.workdir));
    assert.deepEqual(
      {
        status: git(sandbox.workdir, ['status', '--porcelain']),
        branch: git(sandbox.workdir, ['symbolic-ref', 'HEAD']),
        commits: git(sandbox.workdir, ['rev-list', '--count', '--all']),
        base: await baseIn(sandbox),
      },
      { status: '', branch: 'refs/heads/main', commits: '1', base: await baseIn(fresh) },
    );
    const capture = () => captureProposal(deps, sandbox, { taskId: 't', previousTree: baseTree });
    assert.equal((await capture()).headTree, baseTree);
    writeFiles(sandbox.workdir, { 'changed.txt': 'ours\n' });
    assert.notEqual((await capture()).headTree, baseTree, 'an edit of the same size is seen');
  });

  it('sends only what is new, and does not touch what stays', async () => {
    using folder = temporaryFolder();
    const { deps, sandbox: machine, from } = await prebuilt(folder.path);
    const before = statSync(path.join(machine.workdir, 'same.txt')).ctimeMs;
    const { sandbox, sent } = counting(machine);
    await moveInto(deps, sandbox, { taskId: 't', from, prebuiltId: 'prebuild-1', branch: 'main' });
    assert.ok(sent() > 0 && sent() < 2000, `${sent()} bytes`);
    assert.equal(statSync(path.join(machine.workdir, 'same.txt')).ctimeMs, before);
  });

  it('needs nothing of the prebuild here', async () => {
    using folder = temporaryFolder();
    const { deps, sandbox, from, baseTree } = await prebuilt(folder.path);
    await moveInto(deps, sandbox, { taskId: 't', from, prebuiltId: undefined, branch: 'main' });
    const { headTree } = await captureProposal(deps, sandbox, { taskId: 't', previousTree: baseTree });
    assert.equal(headTree, baseTree);
  });

  it('is done over where it broke off in the middle', async () => {
    using folder = temporaryFolder();
    const { deps, sandbox, from, baseTree } = await prebuilt(folder.path);
    // As the kill left it: some files moved, the index locked.
    writeFiles(sandbox.workdir, { 'changed.txt': 'new!\n', 'deep/er/new': 'half' });
    execFileSync('touch', [path.join(sandbox.scratchdir, 'capture.git/index.lock')]);
    await moveInto(deps, sandbox, { taskId: 't', from, prebuiltId: 'prebuild-1', branch: 'main' });
    const { headTree } = await captureProposal(deps, sandbox, { taskId: 't', previousTree: baseTree });
    assert.equal(headTree, baseTree);
  });

  it('is what a checkout does with a machine that is not empty, up to the proposal', async () => {
    using folder = temporaryFolder();
    const { deps, sandbox, baseTree } = await prebuilt(folder.path);
    const elsewhere = directorySandbox(path.join(folder.path, 'elsewhere'));
    const repo = createTaskRepo({ ...deps, sourcesDir: folder.path });
    const { signal } = new AbortController();
    await repo.checkout('t', elsewhere, undefined, signal);
    writeFiles(elsewhere.workdir, { 'proposed.txt': 'by the agent' });
    const { headTree } = await repo.capture('t', elsewhere, baseTree);
    await repo.checkout('t', sandbox, headTree, signal, 'prebuild-1');
    assert.equal((await repo.capture('t', sandbox, headTree)).headTree, headTree);
    assert.equal(await repo.holds('t', sandbox), true);
    assert.equal(git(sandbox.workdir, ['status', '--porcelain']), '?? proposed.txt');
  });
});
