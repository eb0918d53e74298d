import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { createLocalProvider } from '../../../server/sandbox/local/provider.ts';
import { type NetworkPolicy, type Sandbox, SandboxError } from '../../../server/sandbox/sandbox.ts';
import { serveGit } from '../../fakes/git-server/backend.ts';
import { type LocalFixture, localFixture, request, shell, texts } from './support/local.ts';
import { connectToInternet, egressProcesses, killEgress, PUBLIC } from './support/network.ts';

const run = promisify(execFile);

/** What is asked for by HTTP, and answered as a registry of npm does. */
const TARBALL = '/pad/-/pad-1.0.0.tgz';

describe('the network of a local sandbox', () => {
  let fixture: LocalFixture;
  const servers: Server[] = [];
  let allowed: NetworkPolicy;
  let sandbox: Sandbox;

  const listen = async (server: Server): Promise<number> => {
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  before(async function () {
    this.timeout(60_000);
    fixture = await localFixture();
    const root = dirname(fixture.supervisorPath);
    const git = join(root, 'git');
    await makeRepository(git);
    const tarball = await makePackage(root);
    const key = await makeCertificate(root);
    const pages = createServer((asked, response) => {
      const { pathname } = new URL(asked.url ?? '/', 'http://host');
      if (pathname.startsWith('/code.git/')) void serveGit(git, asked, response, pathname, undefined);
      else response.end(`plain ${asked.headers.host} ${asked.url}`);
    });
    const registry = createSecureServer(key, (asked, response) => {
      if (asked.url === TARBALL) response.end(tarball);
      else if (asked.url === '/pad') response.end(JSON.stringify(packument()));
      else response.end(`secret ${asked.headers.host} ${asked.url}`);
    });
    const database = await listen(
      createTcpServer({ allowHalfOpen: true }, (socket) => {
        void text(socket).then((said) => socket.end(`rows for ${said}`));
      }),
    );
    await connectToInternet(fixture, {
      names: { 'web.test': [[PUBLIC]], 'registry.test': [[PUBLIC]], 'inner.test': [['10.0.0.1']] },
      servers: { [`${PUBLIC}:80`]: await listen(pages), [`${PUBLIC}:443`]: await listen(registry) },
    });
    const forwards = [{ port: 5432, to: { host: '127.0.0.1', port: database } }];
    allowed = { mode: 'allow-list', domains: ['web.test', 'registry.test', 'inner.test'], forwards };
    sandbox = await fixture.provider.create({ taskId: 'connected', network: allowed });
    await sandbox.writeFile({ path: 'ca.pem', data: Buffer.from(key.cert) });
  });
  after(async () => {
    for (const server of servers) server.close();
    await killEgress(fixture.dataDir);
    await fixture.dispose();
  });

  const packument = (): object => ({
    name: 'pad',
    'dist-tags': { latest: '1.0.0' },
    versions: {
      '1.0.0': { name: 'pad', version: '1.0.0', dist: { tarball: `https://registry.test${TARBALL}` } },
    },
  });
  const sh = (script: string): Promise<{ code: number | null; out: string; err: string }> =>
    shell(sandbox, script);
  const node = async (script: string, on = sandbox): Promise<string> => {
    const result = texts(
      await on.exec(request(['/opt/handoff/bin/node', '--input-type=module', '-e', script])),
    );
    return result.out + result.err;
  };
  /** The status of a proxied page, as curl sees it. */
  const status = async (url: string, on = sandbox): Promise<string> =>
    (await shell(on, `curl -s -o /dev/null -w '%{http_code} %{http_connect}' ${url}`)).out;

  it('is what `caps` says', async () => {
    assert.equal(sandbox.caps.network, 'allow-list');
  });

  it('serves curl, over http and through a tunnel', async () => {
    assert.deepEqual(
      [await sh('curl -sS http://web.test/a'), await sh('curl -sS --cacert ca.pem https://registry.test/b')],
      [
        { code: 0, out: 'plain web.test /a', err: '' },
        { code: 0, out: 'secret registry.test /b', err: '' },
      ],
    );
  });

  it('serves the fetch of Node', async () => {
    assert.equal(
      await node(`console.log(await (await fetch('http://web.test/n')).text())`),
      'plain web.test /n\n',
    );
  });

  it('serves git', async () => {
    assert.deepEqual(await sh('git clone -q http://web.test/code.git cloned && cat cloned/README'), {
      code: 0,
      out: 'hello\n',
      err: '',
    });
  });

  it('serves npm', async () => {
    const script = `mkdir -p app && cd app && echo {} > package.json &&
      npm install --silent --no-audit --no-fund --no-update-notifier --fetch-retries 0 \\
        --registry https://registry.test/ --cafile ../ca.pem pad && node -p 'require("pad")'`;
    const { code, out } = await shell(sandbox, script, { timeoutMs: 60_000 });
    assert.deepEqual({ code, last: out.trim().split('\n').at(-1) }, { code: 0, last: 'padded' });
  }).timeout(60_000);

  it('serves the libraries of Python that pip is made of', async () => {
    const script = `import urllib.request; print(urllib.request.urlopen('http://web.test/p').read().decode())`;
    assert.equal(
      texts(await sandbox.exec(request(['/usr/bin/python3', '-c', script]))).out,
      'plain web.test /p\n',
    );
  });

  it('refuses what is not on the list, with the name and the way to allow it', async () => {
    const { out } = await sh('curl -s http://evil.test/');
    assert.equal(
      out,
      'This sandbox may not reach evil.test (port 80). Whoever runs the relay allows it by HANDOFF_NETWORK; a repository that lists domains in .handoff/config.json lists it there, too.\n',
    );
    assert.deepEqual(
      await Promise.all([
        status('https://evil.test/'),
        status('https://inner.test/'),
        status('https://web.test:22/'),
      ]),
      ['000 403', '000 403', '000 403'],
    );
  });

  it('has the owner told what was refused', async () => {
    const one = await fixture.provider.create({ taskId: 'curious', network: allowed });
    await shell(one, 'for i in 1 2 3; do curl -s http://evil.test/; done; curl -s http://inner.test/');
    const { provider } = fixture;
    assert.ok('refusals' in provider && typeof provider.refusals === 'function');
    assert.deepEqual(await provider.refusals(one.ref), [
      { host: 'evil.test', port: 80, why: 'name', count: 3 },
      { host: 'inner.test', port: 80, why: 'address', count: 1 },
    ]);
  });

  it('reaches a forwarded server, and is not shown its port as the task’s own', async () => {
    const script = `import { connect } from 'node:net'; import { text } from 'node:stream/consumers';
      const socket = connect({ host: '127.0.0.1', port: 5432, allowHalfOpen: true }); socket.end('select 1');
      console.log(await text(socket))`;
    assert.equal(await node(script), 'rows for select 1\n');
    assert.deepEqual(await sandbox.ports(), []);
  });

  it('reaches its own servers past the proxy', async () => {
    const script = `import http from 'node:http';
      const s = http.createServer((q, r) => r.end('own')).listen(0, '127.0.0.1', async () => {
        console.log(await (await fetch('http://localhost:' + s.address().port)).text()); s.close(); });`;
    assert.equal(await node(script), 'own\n');
  });

  it('is of each sandbox by itself', async () => {
    const other = await fixture.provider.create({
      taskId: 'other',
      network: { mode: 'allow-list', domains: ['registry.test'] },
    });
    assert.deepEqual(
      [await status('http://web.test/', other), await status('http://web.test/')],
      ['403 000', '200 000'],
    );
    assert.equal((await shell(other, 'ls /run/handoff-net')).out, '3128\npresent\n');
    assert.equal((await egressProcesses(fixture.dataDir)).length, 1);
  });

  it('is forwarded servers only, where nothing else is allowed', async () => {
    const network: NetworkPolicy = {
      mode: 'none',
      ...(allowed.mode === 'allow-list' ? { forwards: allowed.forwards ?? [] } : {}),
    };
    const one = await fixture.provider.create({ taskId: 'forwards', network });
    assert.equal(one.caps.network, 'none');
    assert.equal((await shell(one, 'ls /run/handoff-net; env | grep -ci proxy')).out, '5432\npresent\n0\n');
  });

  it('can be all public addresses, and still none of this machine', async () => {
    const open = await fixture.provider.create({ taskId: 'open', network: { mode: 'open' } });
    assert.equal(open.caps.network, 'open');
    const urls = [
      'http://web.test/',
      `http://${PUBLIC}/`,
      'http://127.0.0.2/',
      'http://169.254.169.254/',
      'http://inner.test/',
    ];
    assert.deepEqual(await Promise.all(urls.map((url) => status(url, open))), [
      '200 000',
      '200 000',
      '403 000',
      '403 000',
      '403 000',
    ]);
  });

  it('stays with the process that serves it when the relay is updated, until it is started anew', async () => {
    const before = await egressProcesses(fixture.dataDir);
    const { supervisorPath, dataDir } = fixture;
    await fs.appendFile(join(dirname(supervisorPath), 'egress.mjs'), '\n// The next version.\n');
    const next = createLocalProvider({ dataDir, supervisorPath });
    try {
      const same = await next.resume(sandbox.ref);
      assert.deepEqual(
        [await egressProcesses(dataDir), await status('http://web.test/', same)],
        [before, '200 000'],
      );
      await next.hibernate(sandbox.ref);
      const anew = await next.resume(sandbox.ref);
      assert.equal(await status('http://web.test/', anew), '200 000');
      assert.equal((await egressProcesses(dataDir)).length, before.length + 1);
    } finally {
      await next.close();
    }
  });

  it('is still there for the next relay, and after the process outside has died', async () => {
    const before = await egressProcesses(fixture.dataDir);
    const next = createLocalProvider({ dataDir: fixture.dataDir, supervisorPath: fixture.supervisorPath });
    try {
      const same = await next.resume(sandbox.ref);
      assert.deepEqual(
        [await egressProcesses(fixture.dataDir), await status('http://web.test/', same)],
        [before, '200 000'],
      );
      await killEgress(fixture.dataDir);
      const again = await next.resume(sandbox.ref);
      assert.equal(await status('http://web.test/', again), '200 000');
    } finally {
      await next.close();
    }
  });

  it('opens again by itself while the sandbox is used, and says so until then', async () => {
    await killEgress(fixture.dataDir);
    const untilOpen =
      'until curl -sS http://web.test/ > page 2>> complaints && grep -q plain page; do cat page; sleep 0.2; done';
    const { code, out } = await shell(sandbox, `${untilOpen}; cat complaints`, { timeoutMs: 30_000 });
    const closed =
      'The way out of this sandbox is closed for the moment; it opens again within seconds, if a relay uses the sandbox.';
    assert.deepEqual([code, out.split('\n').filter((line) => line !== closed)], [0, ['']]);
  }).timeout(40_000);

  it('comes back after hibernation', async () => {
    await fixture.provider.hibernate(sandbox.ref);
    assert.equal(await status('http://web.test/', await fixture.provider.resume(sandbox.ref)), '200 000');
  });

  it('is served by the user that sandboxes run as, never by root', async () => {
    const [pid = -1] = await egressProcesses(fixture.dataDir);
    const uid = Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    assert.equal(uid, (await fs.stat(join(fixture.dataDir, 'sandboxes', sandbox.ref.id, 'net'))).uid);
    assert.notEqual(uid, 0);
  });
});

describe('a local sandbox without a network', () => {
  let fixture: LocalFixture;
  before(async () => {
    fixture = await localFixture();
  });
  after(() => fixture.dispose());

  it('has nothing of it: no folder, no variable, no port, no process', async () => {
    const sandbox = await fixture.provider.create({ taskId: 'alone', network: { mode: 'none' } });
    assert.equal(sandbox.caps.network, 'none');
    assert.deepEqual(
      await shell(sandbox, 'ls /run; env | grep -ci proxy; tail -n +2 /proc/net/tcp | wc -l'),
      {
        code: 0,
        out: 'handoff\n0\n0\n',
        err: '',
      },
    );
    assert.deepEqual(await egressProcesses(fixture.dataDir), []);
    assert.equal(
      (await fs.readdir(join(fixture.dataDir, 'sandboxes'))).some((name) => name.startsWith('.egress')),
      false,
    );
  });

  it('is not made where it should have one and that cannot be had, nor started again', async () => {
    const network: NetworkPolicy = { mode: 'allow-list', domains: ['web.test'] };
    const unavailable = (error: unknown): boolean =>
      error instanceof SandboxError && error.code === 'unavailable' && error.nextAction === 'npm run build';
    await assert.rejects(fixture.provider.create({ taskId: 'closed', network }), unavailable);
    const [ref] = (await fixture.provider.list())
      .filter(({ taskId }) => taskId === 'closed')
      .map((one) => one.ref);
    assert.ok(ref);
    await assert.rejects(fixture.provider.resume(ref), unavailable);
    assert.equal(await fixture.provider.state(ref), 'hibernated');
  });

  it('is not made with a policy that makes no sense', async () => {
    await assert.rejects(
      fixture.provider.create({ taskId: 'wrong', network: { mode: 'allow-list', domains: ['10.0.0.1'] } }),
      new SandboxError(
        'failed',
        'The network of a sandbox is wrong at domains.0: is no host name in lower case, nor *.name.',
      ),
    );
  });
});

async function makeRepository(root: string): Promise<void> {
  const work = join(root, 'work');
  await fs.mkdir(work, { recursive: true });
  await fs.writeFile(join(work, 'README'), 'hello\n');
  const git = (...args: string[]): Promise<unknown> =>
    run('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      cwd: work,
      env: { PATH: process.env['PATH'], HOME: root },
    });
  await git('init', '-q', '-b', 'main');
  await git('add', '.');
  await git('commit', '-qm', 'first');
  await git('clone', '-q', '--bare', work, join(root, 'code.git'));
}

async function makePackage(root: string): Promise<Buffer> {
  const folder = join(root, 'package');
  await fs.mkdir(folder);
  await fs.writeFile(join(folder, 'package.json'), '{"name":"pad","version":"1.0.0"}');
  await fs.writeFile(join(folder, 'index.js'), 'module.exports = "padded"');
  await run('tar', ['-czf', join(root, 'pad.tgz'), '-C', root, 'package']);
  return fs.readFile(join(root, 'pad.tgz'));
}

async function makeCertificate(root: string): Promise<{ key: string; cert: string }> {
  const [key, cert] = [join(root, 'key.pem'), join(root, 'cert.pem')];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'],
    ...[
      '-keyout',
      key,
      '-out',
      cert,
      '-subj',
      '/CN=registry.test',
      '-addext',
      'subjectAltName=DNS:registry.test',
    ],
  ]);
  return { key: await fs.readFile(key, 'utf8'), cert: await fs.readFile(cert, 'utf8') };
}
