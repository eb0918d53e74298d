import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { KeyedEnvironmentEvent } from '../../../server/environment/events.ts';
import { createPutBack } from '../../../server/environment/put-back.ts';
import { readRecord } from '../../../server/environment/record.ts';
import { runSetup } from '../../../server/environment/setup.ts';
import { restoreWorkspace } from '../../../server/repo/restore.ts';
import { createTaskRepo } from '../../../server/repo/task-repo.ts';
import type { ExecResult, Sandbox } from '../../../server/sandbox/sandbox.ts';
import { directorySandbox } from '../repo/directory-sandbox.ts';
import { makeClone, repoDeps, temporaryFolder, writeFiles } from '../repo/repositories.ts';

const setup = { stages: [[['true']]], timeoutMs: 60_000, key: 'k', command: 'true' };

/** A machine whose first command ends as given. */
function firstEndsAs(sandbox: Sandbox, how: Partial<ExecResult>): Sandbox {
  let isFirst = true;
  return {
    ...sandbox,
    async exec(request, options) {
      const result = await sandbox.exec(request, options);
      if (!isFirst) return result;
      isFirst = false;
      return { ...result, ...how };
    },
  };
}

/** What it comes to, and what was told and done on the way. */
async function ran(sandbox: Sandbox, machine = 'm') {
  const keys: string[] = [];
  let putBacks = 0;
  const result = await runSetup(sandbox, setup, {
    machine,
    signal: new AbortController().signal,
    tell: async ({ key, event }: KeyedEnvironmentEvent) => {
      keys.push(`${key} ${event.type === 'setup.finished' ? event.outcome : ''}`.trim());
    },
    putBack: async () => {
      putBacks += 1;
    },
  });
  return { outcome: result.outcome, keys, putBacks };
}

describe('whether a machine was set up', () => {
  it('is told of each machine, also where one that was made anew has the same id', async () => {
    using folder = temporaryFolder();
    const [first, anew] = ['1', '2'].map((name) => directorySandbox(path.join(folder.path, name)));
    assert.ok(first && anew);
    assert.deepEqual(
      [await ran(first), await ran(first), await ran(anew, 'm:2')],
      [
        { outcome: 'passed', keys: ['setup:m:started', 'setup:m:finished passed'], putBacks: 1 },
        { outcome: 'passed', keys: ['setup:m:finished cached'], putBacks: 0 },
        { outcome: 'passed', keys: ['setup:m:2:started', 'setup:m:2:finished passed'], putBacks: 1 },
      ],
    );
  });

  for (const [name, how] of [
    ['takes too long to be read', { exitCode: null, reason: 'timeout' }],
    ['was lost while it was read', { exitCode: null, reason: 'lost' }],
    ['was killed while it was read', { exitCode: null }],
    ['cannot be read', { exitCode: 1 }],
  ] as const) {
    it(`is not answered by a record that ${name}`, async () => {
      using folder = temporaryFolder();
      const sandbox = directorySandbox(folder.path);
      await ran(sandbox);
      await assert.rejects(ran(firstEndsAs(sandbox, how)), { name: 'AppError' });
      await assert.rejects(readRecord(firstEndsAs(sandbox, how), 'setup'), { name: 'AppError' });
    });
  }

  it('is answered with yes by a record that somebody spoilt', async () => {
    using folder = temporaryFolder();
    const sandbox = directorySandbox(folder.path);
    await sandbox.putScratch('setup', Buffer.from('{'));
    assert.deepEqual(await ran(sandbox), {
      outcome: 'failed',
      keys: ['setup:m:finished failed'],
      putBacks: 0,
    });
  });

  it('decides whether anything is put back: a relay that slept finds an agent at work', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { commit, url } = makeClone(folder.path, { 'a.txt': 'base\n' });
    const repo = createTaskRepo({ ...deps, sourcesDir: folder.path });
    const { signal } = new AbortController();
    const { baseTree } = await repo.prepare('t', { url, commit, overlay: [] }, signal);
    const sandbox = directorySandbox(path.join(folder.path, 'sandbox'));
    await repo.checkout('t', sandbox, undefined, signal);
    const putBack = createPutBack({
      headTree: async () => baseTree,
      capture: repo.capture,
      restoreWorkspace,
    });
    const file = path.join(sandbox.workdir, 'a.txt');
    writeFiles(sandbox.workdir, { 'a.txt': 'by setup\n' });
    await putBack('t', sandbox);
    const found = [readFileSync(file, 'utf8')];
    await sandbox.putScratch('setup', Buffer.from('{}'));
    writeFiles(sandbox.workdir, { 'a.txt': 'by the agent\n' });
    await putBack('t', sandbox);
    assert.deepEqual([...found, readFileSync(file, 'utf8')], ['base\n', 'by the agent\n']);
  });
});
