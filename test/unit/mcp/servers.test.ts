import assert from 'node:assert/strict';
import { OwnersServers, serversOf } from '../../../server/mcp/servers.ts';

const OWNERS = OwnersServers.parse({
  tracker: { url: 'https://tracker.example/mcp?key=abc', headers: { Authorization: 'Bearer t0ken' } },
  docs: { url: 'http://127.0.0.1:9/' },
});
const tracker = { name: 'tracker', kind: 'http', ...OWNERS['tracker'] };
const docs = { name: 'docs', kind: 'http', url: 'http://127.0.0.1:9/', headers: {} };

describe('the MCP servers of a task', () => {
  it('are the owner’s where the repository says nothing, in one order', () => {
    assert.deepEqual(serversOf(OWNERS, {}), { servers: [docs, tracker], problems: [] });
  });

  it('are fewer of the owner’s, and those that the repository runs in its sandbox', () => {
    const wishes = {
      own: { command: ['node', 'own.mjs'], env: { A: '1' }, tools: ['x'] },
      docs: { off: true },
      tracker: { tools: ['find'] },
      unused: { command: ['x'], off: true },
    };
    assert.deepEqual(serversOf(OWNERS, wishes), {
      servers: [
        { name: 'own', kind: 'sandbox', command: ['node', 'own.mjs'], env: { A: '1' }, tools: ['x'] },
        { ...tracker, tools: ['find'] },
      ],
      problems: [],
    });
  });

  it('are never the repository’s under a name of the owner’s, and none that nobody has', () => {
    assert.deepEqual(serversOf(OWNERS, { docs: { command: ['evil'] }, nobodys: {} }), {
      servers: [docs, tracker],
      problems: [
        'The MCP server docs of the repository is not used: the relay’s owner has one of that name.',
        'The repository asks for the MCP server nobodys, and the relay’s owner has none of that name (HANDOFF_MCP).',
      ],
    });
  });

  it('are none where nobody knows what the repository wanted: it may have been fewer', () => {
    assert.deepEqual(serversOf(OWNERS, undefined), { servers: [], problems: [] });
  });

  for (const wrong of [
    { tracker: { url: 'ftp://example.com' } },
    { tracker: { url: 'file:///etc/passwd' } },
    { tracker: { url: 'https://example.com', headers: { 'a b': 'c' } } },
    { a__b: { url: 'https://example.com' } },
  ]) {
    it(`are not configured as ${JSON.stringify(wrong)}`, () => {
      assert.equal(OwnersServers.safeParse(wrong).success, false);
    });
  }
});
