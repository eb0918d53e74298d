import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { VERSION } from '../../../server/version.ts';

describe('the relay’s version', () => {
  it('is the package’s', async () => {
    const manifest = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'));
    assert.equal(VERSION, manifest.version);
  });
});
