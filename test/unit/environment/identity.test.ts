import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryIdentity } from '../../../server/environment/repository-identity.ts';
import { temporaryFolder } from '../repo/repositories.ts';

describe('the identity of a repository', () => {
  const SAME = [
    'https://github.com/Ada/Engine',
    'https://github.com/ada/engine.git',
    'https://GITHUB.com/ada/engine.git/',
    'https://ada:token@github.com/ada/engine',
    'https://github.com:443/ada/engine',
    'git@github.com:ada/engine.git',
    'github.com:ada/engine',
    'ssh://git@github.com/ada/engine.git',
    'ssh://git@github.com:22/ada/engine',
    'ssh://git@ssh.github.com:443/ada/engine.git',
    'git+ssh://git@github.com/ada/engine',
    'github.com/ada/engine',
  ];
  for (const address of SAME) {
    it(`of ${address} is that of all its addresses`, async () => {
      assert.equal(await repositoryIdentity(address), 'github.com/ada/engine');
    });
  }

  const OTHERS: [address: string, identity: string | undefined][] = [
    ['http://github.com/ada/engine', 'http://github.com/ada/engine'],
    ['https://github.com:8443/ada/engine', 'github.com:8443/ada/engine'],
    ['ssh://git@github.com:2222/ada/engine', 'github.com:2222/ada/engine'],
    ['https://github.com.evil.example/ada/engine', 'github.com.evil.example/ada/engine'],
    ['https://github.com@evil.example/ada/engine', 'evil.example/ada/engine'],
    ['https://github.com/ada/engine/more', 'github.com/ada/engine/more'],
    ['https://github.com/eve/..%2fada/engine', 'github.com/eve/..%2fada/engine'],
    ['https://github.com/eve/../ada/engine', 'github.com/ada/engine'],
    ['git@github.com:eve/../ada/engine', undefined],
    ['https://github.com/', undefined],
    ['https://github.com/ada/engine?x', undefined],
    ['https://github.com/ada/engine#x', undefined],
    ['https://github.com/ada/ engine', undefined],
    ['ext::sh -c id', undefined],
    ['https:x/y', 'x/y'],
    ['file:x', undefined],
    ['https://[::1]:3000/ada/engine', '[::1]:3000/ada/engine'],
    ['http://localhost:3000/ada/engine', 'http://localhost:3000/ada/engine'],
    ['file://host/share', undefined],
    ['', undefined],
    ['engine', undefined],
    ['/home/ada/engine', undefined],
  ];
  for (const [address, identity] of OTHERS) {
    it(`of ${JSON.stringify(address)} is ${identity ?? 'none'}`, async () => {
      assert.equal(await repositoryIdentity(address), identity);
    });
  }

  it('of a folder is its real path, and it is its own address', async () => {
    using folder = temporaryFolder();
    const real = path.join(realpathSync(folder.path), 'Clone');
    mkdirSync(real);
    symlinkSync(real, path.join(folder.path, 'link'));
    const identity = pathToFileURL(real).href;
    assert.equal(await repositoryIdentity(pathToFileURL(path.join(folder.path, 'link')).href), identity);
    assert.equal(await repositoryIdentity(identity), identity);
    assert.equal(await repositoryIdentity(`${identity}/not-there`), undefined);
  });

  it('is an address of the same repository', async () => {
    for (const [, identity] of OTHERS.filter(([, of]) => of !== undefined)) {
      assert.equal(await repositoryIdentity(identity ?? ''), identity);
    }
  });
});
