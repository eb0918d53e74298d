import assert from 'node:assert/strict';
import { link, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { joinSameFiles } from '../../../../extension/apply/together.ts';
import { temporaryFolder } from '../../repo/repositories.ts';

describe('two paths of a change', () => {
  const [a, b] = ['a'.repeat(40), 'b'.repeat(40)];
  const gone = (name: string) => ({
    path: name,
    ...{ oldMode: '100644', oldOid: a, newMode: null, newOid: null },
  });
  const made = (name: string) => ({
    path: name,
    ...{ oldMode: null, oldOid: null, newMode: '100755', newOid: b },
  });

  it('are one change of a file and its name where the disk has one file for both', async () => {
    using folder = temporaryFolder();
    const at = (name: string) => path.join(folder.path, name);
    await writeFile(at('Readme.md'), 'x');
    await link(at('Readme.md'), at('README.md'));
    await writeFile(at('other'), 'x');
    const others = [gone('other'), made('new'), gone('absent')];
    assert.deepEqual(await joinSameFiles(folder.path, [made('README.md'), gone('Readme.md'), ...others]), [
      {
        path: 'README.md',
        at: 'Readme.md',
        ...{ oldMode: '100644', oldOid: a, newMode: '100755', newOid: b },
      },
      ...others,
    ]);
  });
});
