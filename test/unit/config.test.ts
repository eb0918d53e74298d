import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../server/config.ts';

describe('the settings of a relay', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'handoff-config-')));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const allowedHosts = async (env: Record<string, string>) =>
    (await loadConfig({ HANDOFF_DATA: join(directory, 'data'), ...env })).allowedHosts;

  it('know a data folder by one name, however it is written', async () => {
    const data = join(directory, 'data');
    await mkdir(data);
    await symlink(data, join(directory, 'link'));
    const written = [data, `${data}/`, `${data}/../data`, join(directory, 'link')];
    const configs = await Promise.all(written.map((folder) => loadConfig({ HANDOFF_DATA: folder })));
    assert.deepEqual(
      configs.map(({ dataDir }) => dataDir),
      [data, data, data, data],
    );
  });

  it('compare host names as requests send them', async () => {
    assert.deepEqual(await allowedHosts({ HANDOFF_ALLOWED_HOSTS: ' Relay.Example.org, ,box:7420 ' }), [
      '127.0.0.1',
      'relay.example.org',
      'box:7420',
    ]);
  });

  it('allow the address that the relay listens on, unless it stands for all of them', async () => {
    const hosts = ['192.0.2.7', 'Box.local', 'fe80::7', '0.0.0.0', '::', '0:0:0:0:0:0:0:0'];
    assert.deepEqual(await Promise.all(hosts.map((host) => allowedHosts({ HANDOFF_HOST: host }))), [
      ['192.0.2.7'],
      ['box.local'],
      ['[fe80::7]'],
      [],
      [],
      [],
    ]);
  });
});
