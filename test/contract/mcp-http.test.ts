import assert from 'node:assert/strict';
import { httpTransport } from '../../server/mcp/http-transport.ts';
import { openSession, type Session } from '../../server/mcp/session.ts';
import { type FakeMcpServer, startMcpServer } from '../fakes/mcp/http-server.ts';

const TOKEN = 'a-token-of-the-owner';
const calling = { signal: new AbortController().signal, onProgress: () => {} };

describe('an MCP server that is reached by HTTP', () => {
  let other: FakeMcpServer;
  let server: FakeMcpServer;
  const sessions: Session[] = [];
  beforeEach(async () => {
    other = await startMcpServer(TOKEN);
    server = await startMcpServer(TOKEN, other.url);
  });
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close();
    await server.close();
    await other.close();
  });
  async function open(path = '/', token = TOKEN): Promise<Session> {
    const headers = { Authorization: `Bearer ${token}` };
    const session = await openSession(httpTransport({ url: `${server.url}${path}`, headers }));
    sessions.push(session);
    return session;
  }

  it('does what it is asked, by what its owner configured, and is told when that is all', async () => {
    const session = await open();
    const names = (await session.tools()).map(({ name }) => name);
    const result = await session.call('add', { text: 'one' }, calling);
    await session.close();
    assert.deepEqual(
      { names, result, added: server.added, left: server.left },
      {
        names: ['find', 'add', 'repeat', 'huge', 'refuse'],
        result: { content: [{ type: 'text', text: 'added' }] },
        added: ['one'],
        left: 1,
      },
    );
  });

  it('says that it refuses the credentials, and never which they were', async () => {
    await assert.rejects(open('/', 'another-token'), {
      name: 'ServerFailure',
      kind: 'refused',
      message: 'refused the credentials; the relay’s owner sets them in HANDOFF_MCP',
    });
  });

  it('is not followed to another address, which would be given the credentials', async () => {
    await assert.rejects(open('/moved'), {
      name: 'ServerFailure',
      kind: 'refused',
      message: 'redirects to another address, which is not followed',
    });
    assert.deepEqual(other.authorizations, []);
  });

  it('says that it has lost a conversation, and so did nothing', async () => {
    const session = await open();
    server.forget();
    await assert.rejects(session.call('add', { text: 'one' }, calling), {
      name: 'ServerFailure',
      kind: 'forgotten',
      message: 'answered with status 404',
    });
    assert.deepEqual(server.added, []);
  });

  it('is not listened to for ever', async () => {
    const session = await open();
    await assert.rejects(session.call('huge', {}, calling), { name: 'ServerFailure', kind: 'broken' });
  });

  it('cannot be reached where nothing is', async () => {
    await server.close();
    await assert.rejects(open(), {
      name: 'ServerFailure',
      kind: 'broken',
      message: 'cannot be reached',
    });
  });
});
