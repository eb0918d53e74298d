import assert from 'node:assert/strict';
import { mkdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { runSecrets, type SecretsDeps } from '../../../server/cli/commands/secrets.ts';
import type { PutSecret } from '../../../server/protocol/secrets.ts';
import { recordTerminal } from '../cli/terminal.ts';
import { git, makeClone, temporaryFolder } from '../repo/repositories.ts';

const VALUE = 'correct-horse';

/** What the relay was asked for, and what the person was told. */
async function run(args: string[], { cwd = '/', value = VALUE } = {}) {
  const asked: unknown[] = [];
  const deps: SecretsDeps = {
    connect: async () => ({
      list: async () => {
        asked.push('list');
        const times = { createdAt: 0, updatedAt: Date.UTC(2026, 0, 2) };
        return {
          secrets: [
            { name: 'A', repositories: ['example.com/a', 'example.com/b'], ...times },
            { name: 'B', repositories: ['example.com/\u001b[2Jb'], ...times, usedAt: Date.UTC(2026, 0, 3) },
          ],
        };
      },
      put: async (name: string, secret: PutSecret) => {
        asked.push([name, secret]);
        const { value: given, repositories } = secret;
        return { name, repositories, createdAt: 0, updatedAt: 0, masked: given.length > 3 };
      },
      remove: async (name: string) => void asked.push(['remove', name]),
    }),
    readValue: async () => value,
  };
  const terminal = recordTerminal({ cwd });
  const code = await runSecrets(args, terminal, deps);
  return { code, asked, ...terminal.written };
}

describe('handoff secrets', () => {
  it('lists them: where each is allowed, when it was set and used, and no escape sequences', async () => {
    const { out } = await run([]);
    assert.match(
      out,
      /^A {2}set 2026-01-02, never used {2}example\.com\/a example\.com\/b\nB {2}set 2026-01-02, used 2026-01-03 {2}example\.com\//,
    );
    assert.ok(!out.includes('\u001b'));
    assert.equal(JSON.parse((await run(['list', '--json'])).out).length, 2);
  });

  it('sets one for the repository that the person is in, by its remote, and says for which', async () => {
    using folder = temporaryFolder();
    const { clone } = makeClone(folder.path, {});
    git(clone, ['remote', 'add', 'upstream', 'https://example.com/upstream']);
    git(clone, ['remote', 'add', 'origin', 'https://ada:token@example.com/ada/engine.git']);
    mkdirSync(path.join(clone, 'sub'));
    const { asked, err } = await run(['set', 'TOKEN'], { cwd: path.join(clone, 'sub') });
    const repositories = ['https://example.com/ada/engine.git'];
    assert.deepEqual(asked, [['TOKEN', { value: VALUE, repositories }]]);
    assert.equal(err, `TOKEN is kept for ${repositories[0]}, and for no other repository.\n`);
  });

  it('sets one for what is named: folders, with a remote and without, and addresses', async () => {
    using folder = temporaryFolder();
    const { clone } = makeClone(folder.path, {});
    const { asked } = await run(['set', 'TOKEN', '--repo', 'clone', '--repo', 'git@example.com:a/b'], {
      cwd: folder.path,
    });
    const repositories = [pathToFileURL(realpathSync(clone)).href, 'git@example.com:a/b'];
    assert.deepEqual(asked, [['TOKEN', { value: VALUE, repositories }]]);
  });

  it('says that a short value will not be hidden', async () => {
    const { err } = await run(['set', 'PIN', '--repo', 'https://a.b/c'], { value: '123' });
    assert.match(err, /too short to be hidden/);
  });

  it('removes one', async () => {
    assert.deepEqual((await run(['remove', 'TOKEN'])).asked, [['remove', 'TOKEN']]);
  });

  const REFUSED: [why: string, args: string[], name: string, says: RegExp][] = [
    ['a value on the command line', ['set', 'TOKEN', VALUE], 'UsageError', /value is not given here/],
    ['another verb', ['show', 'TOKEN'], 'UsageError', /there are list, set and remove/],
    ['no name', ['set'], 'UsageError', /the name of a secret/],
    ['a name that changes what is run', ['set', 'LD_PRELOAD'], 'UsageError', /is reserved/],
    [
      'a repository to remove for',
      ['remove', 'A', '--repo', '.'],
      'UsageError',
      /--repo belongs to secrets set/,
    ],
    ['a folder that is no repository', ['set', 'A', '--repo', '/'], 'CliError', /is in no Git repository/],
  ];
  for (const [why, args, name, says] of REFUSED) {
    it(`refuses ${why}, without repeating a value`, async () => {
      await assert.rejects(run(args), (error: Error) => {
        assert.equal(error.name, name);
        assert.match(error.message, says);
        assert.ok(!error.message.includes(VALUE));
        return true;
      });
    });
  }

  it('refuses to set nothing', async () => {
    await assert.rejects(run(['set', 'A', '--repo', 'https://a.b/c'], { value: '' }), {
      name: 'CliError',
    });
  });
});
