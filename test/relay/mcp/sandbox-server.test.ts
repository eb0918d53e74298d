import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { sandboxTransport } from '../../../server/mcp/sandbox-transport.ts';
import { openSession, type Session } from '../../../server/mcp/session.ts';
import { createSessions } from '../../../server/mcp/sessions.ts';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { type LocalFixture, localFixture, shell } from '../sandbox/support/local.ts';

const PROGRAM = new URL('../../fakes/mcp/stdio-server.mjs', import.meta.url);
const silent = { signal: new AbortController().signal, onProgress: () => {} };

describe('an MCP server in the sandbox', () => {
  let fixture: LocalFixture;
  let sandbox: Sandbox;
  const sessions: Session[] = [];
  let count = 0;
  before(async () => {
    fixture = await localFixture();
    sandbox = await fixture.provider.create({ taskId: fixture.taskId });
    await sandbox.writeFile({ path: 'server.mjs', data: await readFile(PROGRAM) });
  });
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close();
  });
  after(() => fixture.dispose());

  async function open(command = ['node', 'server.mjs'], env: Record<string, string> = {}): Promise<Session> {
    count += 1;
    const session = await openSession(
      sandboxTransport(sandbox, { execId: `t1:mcp:${count}`, command, env }),
      'legacy',
    );
    sessions.push(session);
    return session;
  }
  const printed = async (command: string): Promise<string> => (await shell(sandbox, command)).out;

  it('tells its tools, and what it prints besides is passed over', async () => {
    const tools = await (await open()).tools();
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['echo', 'note', 'wait', 'env', 'fail', 'big', 'draw', 'crash'],
    );
    assert.deepEqual(tools[0]?.inputSchema, {
      type: 'object',
      properties: { text: { type: 'string' } },
      required: ['text'],
    });
  });

  for (const [revision, mode] of [
    ['of before the newest revision, and end at what it does not know', 'old'],
    ['one that speaks the newest revision only', 'new'],
  ]) {
    it(`may be ${revision}`, async () => {
      const command = ['node', 'server.mjs', mode ?? ''];
      const opened = createSessions('t1');
      const session = await opened.with({ name: 'own', kind: 'sandbox', command, env: {} }, sandbox);
      sessions.push(session);
      const { content } = await session.call('echo', { text: 'hello' }, silent);
      assert.deepEqual(content, [{ type: 'text', text: 'hello' }]);
    });
  }

  it('does what it is asked, in the workspace, with the environment that it was given', async () => {
    const session = await open(undefined, { COLOUR: 'green' });
    const results = [
      await session.call('note', { text: 'one' }, silent),
      await session.call('env', { name: 'COLOUR' }, silent),
      await session.call('fail', {}, silent),
    ];
    assert.deepEqual(results, [
      { content: [{ type: 'text', text: 'noted' }] },
      { content: [{ type: 'text', text: 'green' }] },
      { content: [{ type: 'text', text: 'It is broken.' }], isError: true },
    ]);
    assert.equal(await printed('cat notes.txt'), 'one\n');
  });

  it('tells how it gets on, and hears that a call is not wanted any more', async () => {
    const session = await open();
    const stop = new AbortController();
    const progress: string[] = [];
    const call = session.call(
      'wait',
      {},
      {
        signal: stop.signal,
        onProgress: (line) => {
          progress.push(line);
          stop.abort();
        },
      },
    );
    await assert.rejects(call, { name: 'AbortError' });
    assert.deepEqual(progress, ['1/2 halfway']);
    assert.equal(
      await printed('until [ -e cancelled.txt ]; do sleep 0.02; done; cat cancelled.txt'),
      'cancelled\n',
    );
  });

  it('says how it ended in the middle of a call', async () => {
    const session = await open();
    await assert.rejects(session.call('crash', {}, silent), {
      name: 'ServerFailure',
      kind: 'broken',
      message: 'ended with exit code 3; it printed: Cannot go on.',
    });
    assert.equal(session.isClosed, true);
  });

  it('answers what is not asked rightly, and goes on', async () => {
    const session = await open();
    await assert.rejects(session.call('nothing', {}, silent), {
      name: 'ServerFailure',
      kind: 'refused',
      message: 'answered with an error: There is no tool nothing',
    });
    assert.equal(session.isClosed, false);
  });

  it('says why it does not start', async () => {
    await assert.rejects(open(['no-such-server']), {
      name: 'ServerFailure',
      message: 'ended with exit code 127; it printed: no-such-server: command not found',
    });
  });

  it('is stopped where it says more in one message than a relay takes', async () => {
    await assert.rejects(open(['bash', '-c', 'head -c 10000001 /dev/zero | tr "\\0" x; sleep 1000']), {
      name: 'ServerFailure',
      message: 'sent a message of more than 10000000 bytes',
    });
  });

  it('ends when its conversation does, also one that does not listen', async () => {
    await printed('rm -f starts.txt');
    await (await open()).close();
    assert.equal(await printed('cat starts.txt'), 'start\nend\n');
    const deaf = await open(['bash', '-c', 'trap "" TERM; node server.mjs; exec sleep 1000']);
    await deaf.close();
    assert.equal(await printed('pgrep -x sleep || echo none'), 'none\n');
  });
});
