import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEditor } from '../../../server/cli/editor.ts';
import { packageRoot } from '../../../server/cli/package-root.ts';
import { findProgram } from '../../../server/cli/programs.ts';

describe('the editor on the desktop', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'handoff-editor-'));
    const code = path.join(folder, 'code');
    writeFileSync(code, `#!/bin/sh\nfor word in "$@"; do echo "$word"; done > "${folder}/args"\n`);
    chmodSync(code, 0o755);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = async (isThrowaway: boolean) => {
    const editor = await openEditor({
      ...{ folder: '/a repo', env: { PATH: folder }, stateDir: '/state', desktop: true, isThrowaway },
      extensions: isThrowaway ? ['/sign-in'] : [],
      say: (line) => assert.fail(line),
    });
    assert.equal(editor.kind, 'desktop');
    return readFileSync(path.join(folder, 'args'), 'utf8').trimEnd().split('\n');
  };
  const isRoot = process.getuid?.() === 0;

  it('opens with the extension of this clone and the folder', async () => {
    assert.deepEqual(await open(false), [
      `--extensionDevelopmentPath=${packageRoot()}`,
      ...(isRoot ? ['--user-data-dir=/state', '--no-sandbox'] : []),
      '/a repo',
    ]);
  });

  it('is one of its own for the demo', async () => {
    assert.deepEqual(await open(true), [
      `--extensionDevelopmentPath=${packageRoot()}`,
      '--extensionDevelopmentPath=/sign-in',
      '--user-data-dir=/state',
      ...(isRoot ? ['--no-sandbox'] : []),
      ...['--disable-workspace-trust', '--skip-welcome', '/a repo'],
    ]);
  });

  it('is found by what may be run, not by name alone', () => {
    assert.equal(findProgram('code', { PATH: `/nowhere:${folder}` }), path.join(folder, 'code'));
    chmodSync(path.join(folder, 'code'), 0o644);
    assert.equal(findProgram('code', { PATH: folder }), undefined);
    assert.equal(findProgram('code', {}), undefined);
  });
});
