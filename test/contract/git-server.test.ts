import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { git } from '../fakes/git.ts';
import { type FakeGitHub, startFakeGitHub } from '../fakes/github/server.ts';

describe('the Git host, driven by the real client', () => {
  let github: FakeGitHub;
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'handoff-git-client-'));
    github = await startFakeGitHub({
      users: [
        {
          login: 'sam',
          id: 101,
          name: 'Sam',
          tokens: { full: { scopes: ['repo'] }, reader: { scopes: [], contents: 'read' } },
        },
      ],
      repos: [
        { owner: 'sam', name: 'notes', content: { files: { 'a.md': 'one\n', 'docs/b.md': 'two\n' } } },
        { owner: 'sam', name: 'secret', content: { files: { 'c.md': 'three\n' } }, private: true },
      ],
    });
  });
  afterEach(async () => {
    await github.close();
    await rm(directory, { recursive: true, force: true });
  });

  const urlOf = (name: string, token?: string) =>
    `${github.url.replace('://', token === undefined ? '://' : `://x-access-token:${token}@`)}/sam/${name}.git`;
  const clone = async (name: string, token?: string) => {
    await git(directory, ['clone', '--quiet', urlOf(name, token), 'work']);
    return join(directory, 'work');
  };

  it('lets anyone clone a public repository, by protocol version 2', async () => {
    const work = await clone('notes');
    assert.equal(await readFile(join(work, 'docs/b.md'), 'utf8'), 'two\n');
    const response = await fetch(`${urlOf('notes')}/info/refs?service=git-upload-pack`, {
      headers: { 'git-protocol': 'version=2' },
    });
    assert.match(await response.text(), /version 2/);
  });

  it('serves one commit by name, without blobs', async () => {
    const commit = await github.git('sam', 'notes', ['rev-parse', 'main']);
    await git(directory, ['init', '--quiet', 'work']);
    const work = join(directory, 'work');
    await git(work, ['fetch', '--quiet', '--depth=1', '--filter=blob:none', urlOf('notes'), commit]);
    assert.equal((await git(work, ['rev-parse', 'FETCH_HEAD'])).trim(), commit);
  });

  it('takes a push, a large one in pieces too', async () => {
    const work = await clone('notes', 'full');
    await writeFile(join(work, 'large.bin'), randomBytes(3 << 20));
    await git(work, ['add', '.']);
    await git(work, ['commit', '--quiet', '--message=Large']);
    await git(work, ['push', '--quiet', 'origin', 'HEAD:refs/heads/feature']);
    const pushed = await github.git('sam', 'notes', ['rev-parse', 'feature']);
    assert.equal(pushed, (await git(work, ['rev-parse', 'HEAD'])).trim());
  });

  it('reads a compressed request, as Git sends for a long negotiation', async () => {
    const response = await fetch(`${urlOf('notes')}/git-upload-pack`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-git-upload-pack-request',
        'content-encoding': 'gzip',
        'git-protocol': 'version=2',
      },
      body: gzipSync('0014command=ls-refs\n0000'),
    });
    assert.match(await response.text(), /refs\/heads\/main\n/);
  });

  it('refuses pushes by who asks', async () => {
    const work = await clone('notes');
    const push = (token?: string) => git(work, ['push', urlOf('notes', token), 'HEAD:refs/heads/feature']);
    await assert.rejects(push(), /could not read Username/);
    await assert.rejects(push('stolen'), /Authentication failed/);
    await assert.rejects(push('reader'), /Permission to sam\/notes\.git denied to sam|403/);
    await assert.rejects(github.git('sam', 'notes', ['rev-parse', '--verify', 'feature']));
  });

  it('hides a private repository, and says of a missing one no more than that', async () => {
    await assert.rejects(clone('secret'), /could not read Username/);
    await assert.rejects(clone('missing', 'full'), /not found/i);
    const work = await clone('secret', 'reader');
    assert.equal(await readFile(join(work, 'c.md'), 'utf8'), 'three\n');
  });

  it('starts as a process and ends without leaving anything', async () => {
    const main = fileURLToPath(new URL('../fakes/github/main.ts', import.meta.url));
    const child = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { value: line } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
    const url = /^github ready (http:\S+)$/.exec(line ?? '')?.[1];
    await git(directory, ['clone', '--quiet', `${url}/sam/trip-log.git`, 'work']);
    assert.match(await readFile(join(directory, 'work/README.md'), 'utf8'), /# trip-log/);
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
});
