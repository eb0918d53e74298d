import assert from 'node:assert/strict';
import type { Daytona, Sandbox } from '@daytonaio/sdk';
import { loadDaytona } from '../../server/sandbox/daytona/load.ts';
import { CONTRACTS_ARE_HERE, loadContract } from '../fakes/daytona/contract.ts';
import { type DaytonaDouble, startDaytonaDouble } from '../fakes/daytona/server.ts';

/** The double, as the real SDK meets it; what its answers may look like, Daytona's own description says. */
describe('the double of Daytona', () => {
  let double: DaytonaDouble;
  let daytona: Daytona;
  before(async () => {
    double = await startDaytonaDouble();
    const { openDaytona } = await loadDaytona();
    daytona = openDaytona({ apiKey: double.apiKey, apiUrl: double.url, target: 'us' });
  });
  after(async () => {
    const { problems } = double;
    await double.close();
    assert.deepEqual(problems, []);
  });

  it(
    CONTRACTS_ARE_HERE
      ? 'is held to Daytona’s description of its API'
      : 'is NOT held to Daytona’s description of its API, which is not here (../shared/contracts/daytona)',
    () => {
      if (!CONTRACTS_ARE_HERE) return;
      const { check } = loadContract('api');
      const found = check({ method: 'GET', path: '/sandbox/x' }, 200, { id: 'x', state: 'flying' });
      assert.ok(
        found.includes('GET /sandbox/x 200: /state must be equal to one of the allowed values'),
        found.join(),
      );
      assert.ok(found.includes("GET /sandbox/x 200:  must have required property 'name'"), found.join());
      assert.deepEqual(check({ method: 'GET', path: '/nowhere' }, 200, {}), [
        'GET /nowhere is not in the description',
      ]);
    },
  );

  describe('with a machine', () => {
    let sandbox: Sandbox;
    before(async () => {
      sandbox = await daytona.create({
        name: 'contract',
        labels: { one: '1', two: '2' },
        networkBlockAll: true,
      });
    });

    it('makes it, once a name, and finds it by id, name and labels', async () => {
      assert.deepEqual([sandbox.state, sandbox.name, sandbox.networkBlockAll], ['started', 'contract', true]);
      await assert.rejects(daytona.create({ name: 'contract' }), {
        name: 'DaytonaConflictError',
        statusCode: 409,
      });
      assert.deepEqual(
        [(await daytona.get('contract')).id, (await daytona.get(sandbox.id)).id],
        [sandbox.id, sandbox.id],
      );
      const found: string[] = [];
      for await (const { id } of daytona.list({ labels: { one: '1' } })) found.push(id);
      for await (const { id } of daytona.list({ labels: { one: '2' } })) found.push(id);
      assert.deepEqual(found, [sandbox.id]);
    });

    it('keeps files and loses processes when it stops', async () => {
      await sandbox.process.executeCommand(
        'echo kept > file; setsid sleep 1000 > /dev/null 2>&1 < /dev/null &',
      );
      assert.equal((await sandbox.process.executeCommand('pgrep -c sleep')).result, '1\n');
      await sandbox.stop();
      assert.equal(sandbox.state, 'stopped');
      await assert.rejects(sandbox.process.executeCommand('true'), { statusCode: 400 });
      await sandbox.start();
      assert.equal((await sandbox.process.executeCommand('cat file; pgrep -c sleep')).result, 'kept\n0\n');
    });

    it('refuses a wrong key, an unknown machine and an unknown route as Daytona does', async () => {
      const { openDaytona } = await loadDaytona();
      const stranger = openDaytona({ apiKey: 'wrong', apiUrl: double.url, target: 'us' });
      await assert.rejects(stranger.get('contract'), { name: 'DaytonaAuthenticationError', statusCode: 401 });
      await assert.rejects(daytona.get('no-such'), { name: 'DaytonaNotFoundError', statusCode: 404 });
      await assert.rejects(daytona.volume.list(), { statusCode: 404 });
      assert.deepEqual(double.problems.splice(0), ['no route GET /volumes']);
    });

    it('gives another token for the preview after each start', async () => {
      const first = await sandbox.getPreviewLink(3000);
      await sandbox.stop();
      await sandbox.start();
      const second = await sandbox.getPreviewLink(3000);
      assert.equal(first.url, second.url);
      assert.notEqual(first.token, second.token);
    });

    // What the adapter stays clear of; test/relay/daytona/traps.test.ts does the same through it.
    it('merges stdout and stderr of a command, as Daytona does', async () => {
      const { result } = await sandbox.process.executeCommand('printf out; sleep 0.1; printf err >&2');
      assert.equal(result, 'outerr');
    });

    it('keeps logs of sessions by lines, as Daytona does: a line is held back until it ends, and ends in any case', async () => {
      await sandbox.process.createSession('lines');
      const { cmdId } = await sandbox.process.executeSessionCommand('lines', {
        command: 'printf partial; until [ -e go ]; do sleep 0.02; done; printf " and rest"',
        runAsync: true,
      });
      assert.ok(cmdId);
      const logs = async () => (await sandbox.process.getSessionCommandLogs('lines', cmdId)).stdout;
      await sandbox.process.executeCommand('sleep 0.2');
      const held = await logs();
      await sandbox.process.executeCommand('touch go');
      while ((await sandbox.process.getSessionCommand('lines', cmdId)).exitCode === undefined);
      assert.deepEqual([held, await logs()], ['', 'partial and rest\n']);
      await sandbox.process.deleteSession('lines');
    });
  });
});
