import assert from 'node:assert/strict';
import type { Sandbox, SandboxProvider } from '../../../server/sandbox/sandbox.ts';
import { request, shell, texts } from '../sandbox/support/local.ts';
import { hastyClock } from './support/clock.ts';
import { type DaytonaFixture, daytonaFixture } from './support/provider.ts';

describe('the way into a machine at Daytona', () => {
  let fixture: DaytonaFixture;
  let relay: SandboxProvider;
  let sandbox: Sandbox;
  before(async () => {
    fixture = await daytonaFixture();
    relay = fixture.relay();
    sandbox = await relay.create({ taskId: 'reach' });
  });
  after(async () => {
    const { problems } = fixture.double;
    await fixture.dispose();
    assert.deepEqual(problems, []);
  });

  /** Starts a command that waits for a file, and resolves once it has printed. */
  const waiting = async (execId: string, file: string) => {
    const printed = Promise.withResolvers<void>();
    const asked = request(
      [
        'bash',
        '-c',
        `echo run >> ~/${file}-runs; echo one; until [ -e ${file} ]; do sleep 0.02; done; echo two`,
      ],
      {
        execId,
      },
    );
    const ended = sandbox.exec(asked, { onOutput: () => printed.resolve() });
    await printed.promise;
    return { asked, ended };
  };

  it('may be cut: the command goes on, and is attached to, and ran once', async () => {
    const { asked, ended } = await waiting('cut', 'cut');
    const lost = assert.rejects(ended, { code: 'lost' });
    fixture.double.behind.cutConnections();
    await lost;
    let heard = '';
    const attached = Promise.withResolvers<void>();
    const again = sandbox.exec(asked, {
      onOutput: ({ data }) => {
        heard += Buffer.from(data);
        attached.resolve();
      },
    });
    await attached.promise;
    await shell(sandbox, 'touch cut');
    assert.deepEqual(
      { ...texts(await again), heard, runs: (await shell(sandbox, 'cat ~/cut-runs')).out },
      { out: 'one\ntwo\n', err: '', heard: 'one\ntwo\n', runs: 'run\n' },
    );
  });

  it('is found again by its own, without asking Daytona, when it was only cut', async () => {
    await shell(sandbox, 'true');
    const before = fixture.double.requests.length;
    fixture.double.behind.cutConnections();
    await again(() => shell(sandbox, 'true'));
    assert.deepEqual(fixture.double.requests.slice(before), []);
  });

  it('opens with a new token when the old one has expired', async () => {
    await shell(sandbox, 'true');
    const before = fixture.double.requests.length;
    fixture.double.behind.expireTokens(sandbox.ref.id);
    fixture.double.behind.cutConnections();
    await again(() => shell(sandbox, 'true'));
    assert.deepEqual(fixture.double.requests.slice(before), [
      'GET /sandbox/:',
      'POST /toolbox/process/execute',
      'GET /sandbox/:/ports/:/preview-url',
    ]);
  });

  it('opens to another relay while this one goes on, and a command has both of them', async () => {
    const { asked, ended } = await waiting('both', 'both');
    const other = await fixture.relay().resume(sandbox.ref);
    const attached = other.exec(asked);
    await shell(other, 'touch both');
    assert.deepEqual(
      [texts(await ended), texts(await attached)],
      [
        { out: 'one\ntwo\n', err: '' },
        { out: 'one\ntwo\n', err: '' },
      ],
    );
  });

  it('leads to a supervisor that is started again when it was killed; what ran under it is lost, and told so', async () => {
    const { asked, ended } = await waiting('killed', 'never');
    const lost = assert.rejects(ended, { code: 'lost' });
    await shell(sandbox, 'pkill -KILL -f "supervisor.*serv[e]"').catch(() => {});
    await lost;
    const result = await again(() => sandbox.exec(asked));
    assert.deepEqual({ reason: result.reason, ...texts(result) }, { reason: 'lost', out: 'one\n', err: '' });
  });

  it('leads to a supervisor that is replaced when it hangs', async () => {
    await shell(sandbox, 'true');
    const { url, apiKey } = fixture.double;
    const stopped = await fetch(`${url.replace('/api', '')}/toolbox/${sandbox.ref.id}/process/execute`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}` },
      body: JSON.stringify({ command: 'pkill -STOP -f "supervisor.*serv[e]"' }),
    });
    assert.equal(stopped.status, 200);
    const resumed = await fixture.relay().resume(sandbox.ref);
    assert.deepEqual(await shell(resumed, 'echo works; pgrep -fc "supervisor.*[s]erve"'), {
      code: 0,
      out: 'works\n1\n',
      err: '',
    });
  });

  it('does not start a machine that sleeps', async () => {
    const other = await relay.create({ taskId: 'asleep' });
    await relay.hibernate(other.ref);
    await assert.rejects(shell(other, 'true'), { code: 'lost', message: 'The sandbox is not running.' });
    assert.equal(await relay.state(other.ref), 'hibernated');
    await relay.destroy(other.ref);
  });

  it('is busy, and no more certain than that, while Daytona has not noticed that a machine stopped', async () => {
    const hasty = fixture.relay({ clock: hastyClock() });
    const other = await hasty.create({ taskId: 'unnoticed' });
    await fixture.double.behind.die(other.ref.id);
    // The first to ask may hear that the connection ended.
    await shell(other, 'true').catch(() => {});
    await assert.rejects(shell(other, 'true'), { code: 'busy' });
    fixture.double.faults.add({
      on: /toolbox/,
      does: { status: 400, body: { message: 'Sandbox is not started' } },
    });
    await assert.rejects(shell(other, 'true'), { code: 'busy' });
    fixture.double.faults.clear();
    fixture.double.world.sandbox(other.ref.id).dto.state = 'stopped';
    await assert.rejects(shell(other, 'true'), { code: 'lost' });
    assert.equal((await shell(await hasty.resume(other.ref), 'echo works')).out, 'works\n');
  });

  it('is shut to whoever does not have the key of the supervisor, token or not', async () => {
    const { previewToken, dto } = fixture.double.world.sandbox(sandbox.ref.id);
    const { WebSocket } = await import('ws');
    const statusWith = (headers: Record<string, string>): Promise<string> =>
      new Promise((resolve) => {
        const url = `${fixture.double.url.replace('http', 'ws').replace('/api', '')}/preview/9321-${dto.id}`;
        new WebSocket(url, { headers })
          .on('open', () => resolve('open'))
          .on('error', (error) => resolve(error.message));
      });
    assert.deepEqual(
      [
        await statusWith({}),
        await statusWith({ 'x-daytona-preview-token': 'wrong' }),
        await statusWith({ 'x-daytona-preview-token': previewToken }),
        await statusWith({ 'x-daytona-preview-token': previewToken, 'x-handoff-key': 'x'.repeat(43) }),
      ],
      [
        'Unexpected server response: 307',
        'Unexpected server response: 401',
        'Unexpected server response: 401',
        'Unexpected server response: 401',
      ],
    );
  });
});

/** What a connection that was just cut refuses once, as its callers do who ask again. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch {
    return work();
  }
}
