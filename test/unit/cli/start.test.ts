import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findRelay, stopRelay } from '../../../server/cli/local-relay.ts';

const CLI = path.resolve(import.meta.dirname, '../../../server/cli/main.ts');

describe('npm start, without a desktop and with nobody to ask', function () {
  // The first one on a machine installs VS Code.
  this.timeout(240_000);
  let folder: string;
  const children: ChildProcess[] = [];

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'handoff-cli-start-'));
    chmodSync(folder, 0o711);
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await stopRelay({ HANDOFF_DATA: path.join(folder, 'data') });
    // Postgres ends a moment after its relay, and writes until then.
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  });

  /** Starts the program and resolves with the address of VS Code, once it is printed. */
  async function start(...args: string[]) {
    const outside = Object.entries(process.env).filter(([name]) => !/^(HANDOFF|DAYTONA)_/.test(name));
    const own = { HANDOFF_DATA: path.join(folder, 'data'), HANDOFF_PORT: '0' };
    const child = spawn(process.execPath, [CLI, 'start', '--no-open', ...args], {
      cwd: folder,
      env: { ...Object.fromEntries(outside), ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    const said = { out: '', err: '' };
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    const ended = once(child, 'close').then(([code]) => Number(code));
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said.out += text;
        const found = /^vscode ready (\S+)$/m.exec(said.out)?.[1];
        if (found !== undefined) resolve(found);
      });
      void ended.then((code) => reject(new Error(`it ended with ${code}:\n${said.out}${said.err}`)));
    });
    return { child, said, ended, url };
  }

  it('says what to set, opens VS Code behind a token, and leaves the relay running', async () => {
    const { child, said, ended, url } = await start();
    assert.match(
      said.err,
      /No model is configured: tasks will not run without one\.\nSet HANDOFF_MODEL_BASE_URL/,
    );
    assert.match(said.err, /npm start -- --demo/);
    assert.equal(new URL(url).searchParams.get('folder'), folder);
    assert.equal((await fetch(url, { redirect: 'manual' })).status, 302);
    assert.equal((await fetch(new URL('/', url))).status, 403);
    child.kill('SIGINT');
    assert.equal(await ended, 0);
    assert.match(said.err, /The relay goes on in the background; stop it with: npm start -- relay --stop\n$/);
    assert.ok(await findRelay({ HANDOFF_DATA: path.join(folder, 'data') }));
  });

  it('shows the demo with a relay of its own, says what is scripted, and leaves nothing behind', async () => {
    const { child, said, ended, url } = await start('--demo');
    assert.match(said.err, /DEMO: the model and GitHub are SCRIPTED; the relay, its database, .* are real\./);
    const repository = new URL(url).searchParams.get('folder') ?? '';
    const data = path.join(path.dirname(repository), 'data');
    const relay = await findRelay({ HANDOFF_DATA: data });
    assert.deepEqual(
      { repository: existsSync(path.join(repository, 'src/cli.js')), ready: await relay?.client.ready() },
      {
        repository: true,
        ready: { ready: true, modelConfigured: true, model: 'scripted', sandbox: 'local' },
      },
    );
    child.kill('SIGINT');
    assert.equal(await ended, 0);
    assert.equal(existsSync(path.dirname(repository)), false);
    await assert.rejects(fetch(url), TypeError);
  });
});
