import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { type LocalFixture, localFixture, request, shell, texts } from './support/local.ts';

describe('a hostile command in a local sandbox', () => {
  let fixture: LocalFixture;
  let sandbox: Sandbox;
  let server: Server;
  before(async () => {
    process.env['HANDOFF_TEST_SECRET'] = 'host-secret-in-environment';
    fixture = await localFixture();
    await fs.writeFile(join(fixture.dataDir, 'token'), 'host-secret-on-disk', { mode: 0o644 });
    sandbox = await fixture.provider.create({ taskId: 'hostile' });
    server = createServer((_request, response) => response.end('reached')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
  });
  after(async () => {
    delete process.env['HANDOFF_TEST_SECRET'];
    server.close();
    await fixture.dispose();
  });

  const out = async (script: string): Promise<string> => (await shell(sandbox, script)).out;
  const fails = async (script: string): Promise<void> => {
    const { code, out: printed, err } = await shell(sandbox, script);
    assert.notEqual(code, 0, `it worked: ${printed}${err}`);
  };

  it('has no rights: not root, no capabilities, none to be gained, system calls filtered', async () => {
    assert.equal(
      await out('id -u; grep -hE "^(CapEff|CapPrm|CapBnd|CapAmb|NoNewPrivs|Seccomp):" /proc/self/status'),
      [
        '1000',
        ...['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => `${name}:\t0000000000000000`),
        'NoNewPrivs:\t1',
        'Seccomp:\t2',
        '',
      ].join('\n'),
    );
  });

  it('is nobody of importance on the host', async () => {
    await shell(sandbox, 'touch mine');
    const { uid } = await fs.stat(join(fixture.dataDir, 'sandboxes', sandbox.ref.id, 'workspace', 'mine'));
    const self = process.getuid?.();
    assert.equal(self === 0 ? uid >= 60_800 && uid < 61_056 : uid === self, true, `it is ${uid}`);
  });

  it('sees no file of the host', async () => {
    await fails(`cat ${fixture.dataDir}/token`);
    await fails(
      'ls /root /home/* /var/lib /srv /mnt /sys /boot 2>/dev/null | grep -v "^/home/agent:" | grep .',
    );
    await fails('grep -rl host-secret / --include=token -s');
    await fails('cat /etc/shadow');
    await fails(
      'for f in /proc/[0-9]*/root /proc/[0-9]*/cwd; do ls $f/root $f/../etc/shadow; done 2>/dev/null | grep .',
    );
  });

  it('cannot leave through an open descriptor: no process has one of a file, folder or disk of the host', async () => {
    const script =
      'for f in /proc/[0-9]*/fd/*; do [ -f "$f" -o -d "$f" -o -b "$f" ] && readlink "$f"; done; true';
    const [listing, supervisor] = await Promise.all([out(script), out('ls /proc/2/fd | wc -l')]);
    // Nameless things of the kernel have no path; the record of this very command is the sandbox' own.
    assert.deepEqual(
      listing.split('\n').filter((path) => path.startsWith('/') && !path.startsWith('/run/handoff/')),
      [],
    );
    assert.equal(Number(supervisor) > 3, true, 'the descriptors of the supervisor can be listed');
  });

  it('sees no process of the host, and cannot signal one', async () => {
    assert.equal(await out(`ls -d /proc/[0-9]* | wc -l | awk '{print ($1 < 10)}'`), '1\n');
    await fails(`kill -0 ${process.pid}`);
  });

  it('finds no secret in any environment', async () => {
    assert.equal(await out('cat /proc/[0-9]*/environ | tr "\\0" "\\n" | grep -ci -e secret -e token'), '0\n');
  });

  it('has no network, not even the host itself', async () => {
    const { port } = server.address() as AddressInfo;
    await fails(`exec 3<>/dev/tcp/127.0.0.1/${port}`);
    await fails('exec 3<>/dev/tcp/1.1.1.1/443');
    assert.equal(await out('tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "'), 'lo\n');
  });

  it('has a loopback of its own, for tests with servers', async () => {
    const script = `const s=require('http').createServer((q,r)=>r.end('own')).listen(0,async()=>{
      console.log(await (await fetch('http://127.0.0.1:'+s.address().port)).text());s.close()})`;
    assert.equal(texts(await sandbox.exec(request(['/opt/handoff/bin/node', '-e', script]))).out, 'own\n');
  });

  it('finds no socket of the host: no control socket, no Docker, no D-Bus', async () => {
    assert.equal(await out('find / -type s 2>/dev/null; awk "NR>1 && NF>7" /proc/net/unix'), '');
    await fails('ls /run/docker.sock /run/user /run/dbus /var/run/docker.sock /tmp/handoff-*');
  });

  it('can neither mount nor make namespaces', async () => {
    await fails('mount -t tmpfs none /tmp');
    await fails('mount --bind /usr /workspace');
    await fails('umount /workspace');
    await fails('unshare --user --map-root-user true');
    await fails('unshare --mount true');
    await fails('unshare --net true');
    await fails('nsenter --target 1 --mount true');
    await fails('chroot /usr /bin/true');
  });

  it('cannot change the kernel', async () => {
    await fails('echo "|/workspace/evil" > /proc/sys/kernel/core_pattern');
    await fails('echo 1 > /proc/sys/net/ipv4/ip_forward');
    await fails('echo b > /proc/sysrq-trigger');
    await fails('dmesg');
    await fails('ls /sys/fs/cgroup');
  });

  it('gains nothing by setuid files or setuid programs', async () => {
    await shell(sandbox, 'cp /usr/bin/id sid && chmod 6755 sid');
    assert.equal(await out('./sid -u'), '1000\n');
    await fails('su -c true root < /dev/null');
    await fails('mknod disk b 8 0');
  });

  it('can write only to its folders and to bounded memory', async () => {
    await fails(
      'touch /usr/x || touch /etc/x || touch /x || touch /dev/x || touch /opt/handoff/x || touch /run/x',
    );
    await fails('echo evil >> /opt/handoff/supervisor.mjs || echo evil >> /opt/handoff/bin/node');
    const { err } = await shell(sandbox, 'head -c 300M /dev/zero > /dev/shm/x; rm -f /dev/shm/x');
    assert.match(err, /No space left/);
  });

  it('cannot reach the relay’s records of the sandbox', async () => {
    await fails(
      'cat /workspace/../meta.json || ls /workspace/../lock || find / -name process.json 2>/dev/null | grep .',
    );
  });

  it('cannot use what has a history of holes', async () => {
    const script = `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for number, name in [(425, 'io_uring_setup'), (321, 'bpf'), (323, 'userfaultfd'), (298, 'perf_event_open'), (250, 'keyctl')]:
    ctypes.set_errno(0)
    print(name, libc.syscall(number, 0, 0, 0, 0, 0), os.strerror(ctypes.get_errno()))
for family in (17, 38, 40):
    print(family, libc.socket(family, 2, 0), os.strerror(ctypes.get_errno()))`;
    if (process.arch !== 'x64') return;
    assert.equal(
      texts(await sandbox.exec(request(['/usr/bin/python3', '-c', script]))).out,
      `io_uring_setup -1 Function not implemented
${['bpf', 'userfaultfd', 'perf_event_open', 'keyctl'].map((name) => `${name} -1 Operation not permitted`).join('\n')}
${[17, 38, 40].map((family) => `${family} -1 Address family not supported by protocol`).join('\n')}
`,
    );
  });

  it('cannot bring the host down with a fork bomb, and is over when its time is', async () => {
    const bomb = ':(){ :|:& };: ; echo lit; sleep 100';
    const result = await sandbox.exec(
      request(['bash', '-c', bomb], { timeoutMs: 1_500, maxOutputBytes: 1_000 }),
    );
    assert.equal(result.reason, 'timeout');
    await sandbox.killAll('');
    assert.equal(await out(`ls -d /proc/[0-9]* | wc -l | awk '{print ($1 < 10)}'`), '1\n');
  });
});
