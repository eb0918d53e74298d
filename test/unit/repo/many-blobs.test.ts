import assert from 'node:assert/strict';
import { listChanges } from '../../../server/repo/changes.ts';
import { readManyBlobs } from '../../../server/repo/many-blobs.ts';
import { makeProposal, temporaryFolder } from './repositories.ts';

const MIB = 2 ** 20;

describe('reading many contents at once', () => {
  async function proposal(path: string, contents: Record<string, string>) {
    const { deps, taskId, baseTree, headTree } = await makeProposal(path, {}, contents);
    const files = await listChanges(deps, taskId, baseTree, headTree);
    const oids = new Map(files.map((file) => [file.path, String(file.newOid)]));
    const oidOf = (name: string) => String(oids.get(name));
    return { oidOf, read: (names: string[]) => readManyBlobs(deps, taskId, names.map(oidOf)), deps, taskId };
  }

  it('gives each once, byte for byte, in the order asked for', async () => {
    using folder = temporaryFolder();
    const { oidOf, read } = await proposal(folder.path, { a: 'A\r\n', b: '\0\n\n', c: '' });
    const blobs = await read(['b', 'a', 'c', 'b']);
    assert.deepEqual(
      [...blobs].map(([oid, data]) => [oid, Buffer.from(data).toString()]),
      [
        [oidOf('b'), '\0\n\n'],
        [oidOf('a'), 'A\r\n'],
        [oidOf('c'), ''],
      ],
    );
  });

  it('stops where one answer would carry too much', async () => {
    using folder = temporaryFolder();
    const { oidOf, read } = await proposal(folder.path, {
      small: 's',
      large: 'l'.repeat(17 * MIB),
      last: 'z',
    });
    assert.deepEqual([...(await read(['small', 'large', 'last'])).keys()], [oidOf('small')]);
  });

  it('says where one of them is not there', async () => {
    using folder = temporaryFolder();
    const { deps, taskId } = await proposal(folder.path, { a: 'A' });
    await assert.rejects(readManyBlobs(deps, taskId, ['0'.repeat(40)]), { code: 'not_found' });
  });
});
