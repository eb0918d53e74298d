import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { checkContainers } from '../../../server/cli/checks.ts';
import { createEngines } from '../../../server/sandbox/container/engine.ts';
import { type FakeEngine, installFakeEngine } from '../../fakes/container/install.ts';

const DOWN = { '*': { code: 125, err: 'Error: unable to connect to Podman socket: connection refused\n' } };

describe('the container engine of a machine', () => {
  let folder: string;
  let docker: FakeEngine;
  let podman: FakeEngine;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'handoff-engines-'));
    [docker, podman] = await Promise.all([
      installFakeEngine(folder, 'docker'),
      installFakeEngine(folder, 'podman'),
    ]);
  });
  after(() => rmSync(folder, { recursive: true }));
  afterEach(async () => {
    await docker.fail({});
    await podman.fail({});
  });

  /** With these on the path, and what they remember in one folder. */
  const engines = (installed: FakeEngine[], chosen?: string) =>
    createEngines(chosen, { PATH: installed.map(({ program }) => dirname(program)).join(delimiter) });

  it('is podman where both are there', async () => {
    const { kind, banner } = await engines([docker, podman]).preferred();
    assert.deepEqual({ kind, banner }, { kind: 'podman', banner: 'podman version 5.4.2' });
  });

  it('is the other where one does not answer, or is not there', async () => {
    await podman.fail(DOWN);
    assert.equal((await engines([docker, podman]).preferred()).kind, 'docker');
    assert.equal((await engines([docker]).preferred()).kind, 'docker');
  });

  it('is what was chosen, by name or by path, and no other', async () => {
    assert.equal((await engines([docker, podman], 'docker').preferred()).kind, 'docker');
    assert.equal((await engines([], docker.program).preferred()).kind, 'docker');
    await docker.fail(DOWN);
    await assert.rejects(engines([docker, podman], 'docker').preferred(), { code: 'unavailable' });
  });

  it('has its way back told where it is installed and does not answer', async () => {
    await podman.fail(DOWN);
    await assert.rejects(engines([podman]).preferred(), {
      code: 'unavailable',
      message: /^podman is installed, but its engine does not run/,
      nextAction: /podman machine start/,
    });
  });

  it('is asked for again once it may have come back', async () => {
    const later = engines([podman]);
    await podman.fail(DOWN);
    await assert.rejects(later.preferred(), { code: 'unavailable' });
    await podman.fail({});
    assert.equal((await later.preferred()).kind, 'podman');
  });

  it('has its installation told where there is none', async () => {
    await assert.rejects(engines([]).preferred(), {
      code: 'unavailable',
      message: 'There is no podman or docker on the path.',
      nextAction: /Install podman/,
    });
    await assert.rejects(engines([docker], 'nerdctl').preferred(), {
      message: 'There is no nerdctl on the path.',
    });
  });

  it('is told by doctor, and is needed only where containers were chosen', async () => {
    const env = { PATH: dirname(docker.program) };
    assert.deepEqual(await checkContainers(env, { provider: 'local' }), {
      name: 'containers',
      ok: true,
      needed: false,
      detail:
        'Docker version 28.2.2, build e6534b4; HANDOFF_SANDBOX=container uses it, with docker.io/library/node:24-bookworm',
    });
    await docker.fail({
      ps: { code: 1, err: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n' },
    });
    assert.deepEqual(await checkContainers(env, { provider: 'container', containerCli: 'docker' }), {
      name: 'containers',
      ok: false,
      needed: true,
      detail:
        'docker is installed, but its engine does not run. It says: Cannot connect to the Docker daemon at unix:///var/run/docker.sock.',
      fix: 'Start Docker Desktop, or on Linux: sudo systemctl start docker',
    });
  });

  it('is, for a machine that exists, the one that has it', async () => {
    const both = engines([docker, podman]);
    assert.deepEqual([(await both.of('docker')).kind, (await both.of('podman')).kind], ['docker', 'podman']);
    await assert.rejects(engines([docker]).of('podman'), { code: 'unavailable' });
  });
});
