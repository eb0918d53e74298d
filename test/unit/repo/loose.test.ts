import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readLoose } from '../../../server/repo/loose.ts';
import { git, temporaryFolder } from './repositories.ts';

function made(folder: string) {
  const repo = path.join(folder, 'repo.git');
  git(folder, ['init', '--quiet', '--bare', repo]);
  const blob = (content: string) => git(repo, ['hash-object', '-w', '--stdin'], content);
  const fileOf = (oid: string) => path.join(repo, 'objects', oid.slice(0, 2), oid.slice(2));
  return { repo, blob, fileOf };
}

describe('a loose object', () => {
  it('is read with its type, byte for byte', async () => {
    using folder = temporaryFolder();
    const { repo, blob } = made(folder.path);
    const file = blob('a\0b\r\n');
    const tree = git(repo, ['mktree'], `100644 blob ${file}\tx\n`);
    assert.deepEqual(
      [await readLoose(repo, file), await readLoose(repo, blob('')), await readLoose(repo, tree)],
      [
        { type: 'blob', data: Buffer.from('a\0b\r\n') },
        { type: 'blob', data: Buffer.alloc(0) },
        { type: 'tree', data: Buffer.concat([Buffer.from('100644 x\0'), Buffer.from(file, 'hex')]) },
      ],
    );
  });

  it('is none where it is not there, in a pack, or larger than is read here', async () => {
    using folder = temporaryFolder();
    const { repo, blob } = made(folder.path);
    const packed = blob('packed\n');
    git(repo, ['pack-objects', '--quiet', 'objects/pack/pack'], `${packed}\n`);
    git(repo, ['prune-packed']);
    const large = blob('x'.repeat(2 ** 20));
    assert.deepEqual(
      [await readLoose(repo, 'f'.repeat(40)), await readLoose(repo, packed), await readLoose(repo, large)],
      [undefined, undefined, undefined],
    );
  });

  it('is none where its content is cut off, or another’s', async () => {
    using folder = temporaryFolder();
    const { repo, blob, fileOf } = made(folder.path);
    const [cut, swapped] = [blob('cut off\n'), blob('swapped\n')];
    for (const oid of [cut, swapped]) chmodSync(fileOf(oid), 0o600);
    copyFileSync(fileOf(blob('another\n')), fileOf(swapped));
    writeFileSync(fileOf(cut), Buffer.from([0x78, 0x01]));
    assert.deepEqual([await readLoose(repo, cut), await readLoose(repo, swapped)], [undefined, undefined]);
  });

  it('has a name that leads nowhere else', async () => {
    await assert.rejects(readLoose('/', '../../etc/passwd'), { name: 'AppError', code: 'bad_request' });
  });
});
