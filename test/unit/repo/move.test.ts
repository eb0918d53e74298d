import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { filledWith } from '../../../server/repo/identity.ts';
import { moveInto } from '../../../server/repo/move.ts';
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
  await checkoutInto(sandbox, {
    taskId: 'prebuild-1',
    bundle: await startBundle(deps, 'prebuild-1'),
    branch: 'handoff/prebuild',
  });
  writeFiles(sandbox.workdir, { 'node_modules/dep/index.js': 'installed' });
  const from = (await filledWith(sandbox))?.base ?? '';
  return { deps, sandbox, from, baseTree, clone };
}

/** The task's own fields of a move. */
const toTask = { taskId: 't', branch: 'main', headTree: undefined };

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
    await moveInto(deps, sandbox, { ...toTask, from, prebuiltId: 'prebuild-1' });
    const fresh = directorySandbox(path.join(folder.path, 'fresh'));
    await checkoutInto(fresh, { taskId: 't', bundle: await startBundle(deps, 't'), branch: 'main' });
    assert.equal(ls(sandbox.workdir).replace('./node_modules/dep/index.js f 644 \n', ''), ls(fresh.workdir));
    assert.deepEqual(
      {
        status: git(sandbox.workdir, ['status', '--porcelain']),
        branch: git(sandbox.workdir, ['symbolic-ref', 'HEAD']),
        commits: git(sandbox.workdir, ['rev-list', '--count', '--all']),
        filled: await filledWith(sandbox),
      },
      { status: '', branch: 'refs/heads/main', commits: '1', filled: await filledWith(fresh) },
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
    await moveInto(deps, sandbox, { ...toTask, from, prebuiltId: 'prebuild-1' });
    assert.ok(sent() > 0 && sent() < 2000, `${sent()} bytes`);
    assert.equal(statSync(path.join(machine.workdir, 'same.txt')).ctimeMs, before);
  });

  it('needs nothing of the prebuild here', async () => {
    using folder = temporaryFolder();
    const { deps, sandbox, from, baseTree } = await prebuilt(folder.path);
    await moveInto(deps, sandbox, { ...toTask, from, prebuiltId: undefined });
    const { headTree } = await captureProposal(deps, sandbox, { taskId: 't', previousTree: baseTree });
    assert.equal(headTree, baseTree);
  });

  it('is done over where it broke off in the middle', async () => {
    using folder = temporaryFolder();
    const { deps, sandbox, from, baseTree } = await prebuilt(folder.path);
    // As the kill left it: some files moved, the index and the base locked.
    writeFiles(sandbox.workdir, { 'changed.txt': 'new!\n', 'deep/er/new': 'half' });
    writeFiles(sandbox.scratchdir, {
      'capture.git/index.lock': '',
      'capture.git/refs/handoff/base.lock': '',
    });
    await moveInto(deps, sandbox, { ...toTask, from, prebuiltId: 'prebuild-1' });
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

  it('changes nothing once it is done: a relay that slept sends its own when the agent is at work', async () => {
    using folder = temporaryFolder();
    const { deps, sandbox, from, baseTree } = await prebuilt(folder.path);
    const repo = createTaskRepo({ ...deps, sourcesDir: folder.path });
    const { signal } = new AbortController();
    let packed: () => void = () => {};
    const isPacked = new Promise<void>((resolve) => {
      packed = resolve;
    });
    let wake: () => void = () => {};
    const isAwake = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const slow = moveInto(
      deps,
      {
        ...sandbox,
        async exec(request, options) {
          packed();
          await isAwake;
          return sandbox.exec(request, options);
        },
      },
      { ...toTask, from, prebuiltId: 'prebuild-1' },
    );
    await isPacked;
    await repo.checkout('t', sandbox, undefined, signal, 'prebuild-1');
    writeFiles(sandbox.workdir, { 'changed.txt': 'by the agent', 'added.txt': 'too' });
    const { headTree } = await repo.capture('t', sandbox, baseTree);
    wake();
    await slow;
    assert.equal((await repo.capture('t', sandbox, headTree)).headTree, headTree);
    const left = readdirSync(sandbox.scratchdir).filter((name) => name.startsWith('move-'));
    assert.deepEqual(left, []);
  });

  it('waits for another that is under way', async () => {
    using folder = temporaryFolder();
    const { deps, sandbox, from } = await prebuilt(folder.path);
    const holder = spawn('flock', [sandbox.scratchdir, 'sh', '-c', 'echo held; read _'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    const moving = moveInto(deps, sandbox, { ...toTask, from, prebuiltId: undefined });
    const { ino } = statSync(sandbox.scratchdir);
    const isWaiting = new RegExp(`-> FLOCK .*:${ino} `);
    while (!isWaiting.test(readFileSync('/proc/locks', 'utf8'))) await delay(5);
    // What the other one notes before it ends.
    const to = git(path.join(deps.reposDir, 't.git'), ['rev-parse', 'refs/handoff/base']);
    writeFiles(sandbox.scratchdir, { 'capture.git/handoff-ready': `${to} t\n` });
    holder.stdin.end('\n');
    await moving;
    assert.equal(readFileSync(path.join(sandbox.workdir, 'changed.txt'), 'utf8'), 'old!\n');
  });

  it('is not done to a machine that was filled anew meanwhile', async () => {
    using folder = temporaryFolder();
    const { deps, sandbox, baseTree } = await prebuilt(folder.path);
    const move = { ...toTask, from: baseTree, prebuiltId: undefined };
    await assert.rejects(moveInto(deps, sandbox, move), /filled anew/);
    const fill = { taskId: 't', bundle: await startBundle(deps, 't'), branch: 'main' };
    await assert.rejects(checkoutInto(sandbox, fill), /another task/);
    assert.deepEqual((await filledWith(sandbox))?.taskId, 'prebuild-1');
  });

  it('is told from having been filled for the task itself, also where both have one base', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { commit, url } = makeClone(folder.path, OLD);
    const repo = createTaskRepo({ ...deps, sourcesDir: folder.path });
    const { signal } = new AbortController();
    for (const taskId of ['prebuild-1', 'twin-1']) {
      await repo.prepare(taskId, { url, commit, overlay: [] }, signal);
    }
    const earlier = directorySandbox(path.join(folder.path, 'earlier'));
    await repo.checkout('twin-1', earlier, undefined, signal);
    writeFiles(earlier.workdir, { 'proposed.txt': 'by the agent' });
    const baseTree = git(earlier.workdir, ['rev-parse', 'HEAD^{tree}']).trim();
    const { headTree } = await repo.capture('twin-1', earlier, baseTree);

    const sandbox = directorySandbox(path.join(folder.path, 'rebuilt'));
    await repo.checkout('prebuild-1', sandbox, undefined, signal);
    const held = [await repo.holds('twin-1', sandbox)];
    // Nobody says that it was prebuilt.
    await repo.checkout('twin-1', sandbox, headTree, signal);
    held.push(await repo.holds('twin-1', sandbox), await repo.holds('prebuild-1', sandbox));
    assert.deepEqual(
      {
        held,
        tree: (await repo.capture('twin-1', sandbox, headTree)).headTree,
        branch: git(sandbox.workdir, ['symbolic-ref', 'HEAD']),
      },
      { held: [false, true, false], tree: headTree, branch: 'refs/heads/handoff/twin-1' },
    );
  });

  for (const [name, marker] of [
    ['no more than a mark', () => ''],
    ['its base alone', (base: string) => `${base}\n`],
  ] as const) {
    it(`is not done to a machine of an earlier version, which noted ${name}`, async () => {
      using folder = temporaryFolder();
      const deps = repoDeps(folder.path);
      const { commit, url } = makeClone(folder.path, OLD);
      const repo = createTaskRepo({ ...deps, sourcesDir: folder.path });
      const { signal } = new AbortController();
      const { baseTree } = await repo.prepare('t', { url, commit, overlay: [] }, signal);
      const sandbox = directorySandbox(path.join(folder.path, 'sandbox'));
      await repo.checkout('t', sandbox, undefined, signal);
      const { base = '' } = (await filledWith(sandbox)) ?? {};
      writeFiles(sandbox.scratchdir, { 'capture.git/handoff-ready': marker(base) });
      writeFiles(sandbox.workdir, { 'changed.txt': 'by the agent' });
      await repo.checkout('t', sandbox, undefined, signal);
      assert.equal(await repo.holds('t', sandbox), true);
      assert.notEqual((await repo.capture('t', sandbox, baseTree)).headTree, baseTree);
    });
  }

  it('leaves nothing that only the earlier base’s rules ignored, and all that the new ones do', async () => {
    using folder = temporaryFolder();
    const { deps, sandbox, clone, from } = await prebuilt(folder.path);
    writeFiles(clone, { '.gitignore': 'kept/\n*.log\n' });
    git(clone, ['commit', '--quiet', '--all', '--message', 'other rules']);
    const commit = git(clone, ['rev-parse', 'HEAD']).trim();
    const source = { url: `file://${clone}`, commit, overlay: [] };
    const { baseTree } = await prepareSource(deps, { taskId: 'u', source });
    writeFiles(sandbox.workdir, {
      'node_modules/read only/x': 'x',
      'node_modules/link': { link: '../../outside' },
      'node_modules/dep/build.log': 'ignored by name',
      '--odd\n name': 'x',
      'kept/dep/index.js': 'x',
      'tool/own.log': 'x',
      'tool/own.txt': 'x',
    });
    writeFiles(folder.path, { 'sandbox/outside/file': 'not theirs' });
    git(sandbox.workdir, ['init', '--quiet', 'cloned by setup']);
    execFileSync('chmod', ['500', path.join(sandbox.workdir, 'node_modules/read only')]);
    await moveInto(deps, sandbox, { ...toTask, taskId: 'u', from, prebuiltId: 'prebuild-1' });
    const { headTree } = await captureProposal(deps, sandbox, { taskId: 'u', previousTree: baseTree });
    const ignored = git(sandbox.workdir, ['ls-files', '-z', '--others']).split('\0').filter(Boolean);
    assert.deepEqual(
      { headTree, ignored, outside: ls(path.join(folder.path, 'sandbox/outside')) },
      {
        headTree: baseTree,
        ignored: ['cloned by setup/', 'kept/dep/index.js', 'node_modules/dep/build.log', 'tool/own.log'],
        outside: './file f 644 \n',
      },
    );
  });
});
