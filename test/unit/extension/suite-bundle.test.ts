import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundleSuite } from '../../vscode/suite-bundle.ts';
import { temporaryFolder } from '../repo/repositories.ts';

describe('the suite that runs in the extension host', () => {
  it('is bundled in a fresh clone, where no other stage has made the folder for it', async () => {
    using clone = temporaryFolder();
    const { folder, entry } = await bundleSuite(join(clone.path, '.vscode-test'));
    assert.deepEqual([join(folder, 'index.cjs'), existsSync(entry)], [entry, true]);
  });
});
