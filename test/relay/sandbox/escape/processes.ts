import assert from 'node:assert/strict';
import { type Check, codeOf, fails, SECRET_IN_ENV, VICTIM_PORT } from './stage.ts';

/** Attempts on processes: of the host, of another sandbox, and on the supervisor. */
export const PROCESS_CHECKS: Check[] = [
  {
    name: 'control: the probes see a success where there is one',
    async run({ sh, py, hostile }) {
      assert.deepEqual(await sh('cat /etc/hostname-of-nothing; cat /etc/passwd | head -1'), {
        code: 0,
        out: 'root:x:0:0:root:/nonexistent:/bin/false\n',
        err: 'cat: /etc/hostname-of-nothing: No such file or directory\n',
      });
      assert.equal(
        await py(`
server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen()
every({
  'call': call('getpid'), 'file': attempt(lambda: os.open('/etc/passwd', os.O_RDONLY)), 'none': attempt(lambda: os.open('/none', os.O_RDONLY)),
  'socket': attempt(lambda: socket.create_connection(server.getsockname())), 'link': attempt(lambda: (open('/workspace/one', 'w'), os.link('/workspace/one', '/workspace/two'))),
  'signal': attempt(lambda: os.kill(os.getpid(), 0)), 'node': attempt(lambda: os.mkfifo('/workspace/fifo'))})`),
        'call=ok file=ok none=ENOENT socket=ok link=ok signal=ok node=ok',
      );
      await sh('echo inside > plain; ln -s plain to-plain');
      assert.equal(String((await hostile.readFile('to-plain')).data), 'inside\n');
      await assert.rejects(fails({ sh } as Parameters<typeof fails>[0], 'true'), /it worked/);
      assert.equal(await codeOf(Promise.resolve()), 'none');
    },
  },
  {
    name: 'seeing processes of the host',
    async run({ sh }) {
      const { out } = await sh('cat /proc/[0-9]*/comm | sort -u');
      const known = ['bash', 'bwrap', 'cat', 'node', 'MainThread', 'sort'];
      assert.deepEqual(
        out.split('\n').filter((name) => name !== '' && !known.includes(name)),
        [],
      );
      assert.equal((await sh(`ls -d /proc/[0-9]* | wc -l | awk '{print ($1 < 12)}'`)).out, '1\n');
    },
  },
  {
    name: 'signals, tracing and memory of the host’s processes, by their numbers there',
    async run({ py }) {
      const { pid } = process;
      assert.equal(
        await py(`
space = ctypes.create_string_buffer(8)
one = (ctypes.c_uint64 * 2)(ctypes.addressof(space), 8)
every({
  'kill': attempt(lambda: os.kill(${pid}, 0)), 'pidfd': call('pidfd_open', ${pid}, 0), 'ptrace': call('ptrace', 16, ${pid}, 0, 0),
  'memory': call('process_vm_readv', ${pid}, ctypes.byref(one), 1, ctypes.byref(one), 1, 0), 'proc': attempt(lambda: os.listdir('/proc/${pid}'))})`),
        'kill=ESRCH pidfd=ESRCH ptrace=ESRCH memory=ESRCH proc=ENOENT',
      );
    },
  },
  {
    name: 'reading the relay’s environment, or any with a secret',
    async run({ sh }) {
      const { out } = await sh(
        'cat /proc/[0-9]*/environ /proc/[0-9]*/task/*/environ 2>/dev/null | tr "\\0" "\\n" | sort -u',
      );
      assert.equal(out.includes(SECRET_IN_ENV) || /token|secret|password|_KEY=/i.test(out), false, out);
      assert.match(out, /^HOME=\/home\/agent$/m);
    },
  },
  {
    name: 'abstract sockets of the host',
    async run({ py, sh, abstractSocket }) {
      assert.equal(
        await py(`
s = socket.socket(socket.AF_UNIX)
every({'connect': attempt(lambda: s.connect(b'\\0${abstractSocket}'))})`),
        'connect=ECONNREFUSED',
      );
      assert.equal((await sh('grep -c escape /proc/net/unix')).out, '0\n');
    },
  },
  {
    name: 'sockets of the host by their paths',
    async run(stage) {
      const paths = [
        stage.hostSocket,
        '/run/docker.sock',
        '/var/run/docker.sock',
        '/run/dbus/system_bus_socket',
        '/run/systemd/private',
        '/run/containerd/containerd.sock',
        '/tmp/.X11-unix/X0',
        `/proc/1/root${stage.hostSocket}`,
      ];
      assert.equal(
        await stage.py(
          `every({path: attempt(lambda: socket.socket(socket.AF_UNIX).connect(path)) for path in ${JSON.stringify(paths)}})`,
        ),
        paths.map((path) => `${path}=ENOENT`).join(' '),
      );
      // All that there is: its own way out, which it may know, and nothing else.
      assert.equal(
        (await stage.sh('find / -type s 2>/dev/null | sort')).out,
        '/run/handoff-net/3128\n/run/handoff-net/present\n',
      );
    },
  },
  {
    name: 'the supervisor’s program, and what runs beside it',
    async run(stage) {
      await fails(stage, 'echo evil >> /opt/handoff/supervisor.mjs');
      await fails(stage, 'echo evil >> /opt/handoff/bin/node');
      await fails(stage, 'mv /opt/handoff/supervisor.mjs /tmp/');
      await fails(stage, 'rm -f /opt/handoff/supervisor.mjs');
      await fails(stage, 'echo /workspace/evil.so > /etc/ld.so.preload');
      await fails(stage, 'dd if=/dev/zero of=/proc/2/exe count=1');
    },
  },
  {
    name: 'the socket on which the supervisor listens to the relay',
    async run({ py }) {
      assert.equal(
        await py(
          `
every({
  'open': attempt(lambda: os.open('/proc/2/fd/3', os.O_RDWR)),
  'connect': attempt(lambda: socket.socket(socket.AF_UNIX).connect('/proc/2/fd/3')),
  'take': call('pidfd_getfd', call_fd(2), 3, 0)})`.replace(
            /^/,
            `
def call_fd(pid):
    return libc.syscall(ctypes.c_long(434), ctypes.c_long(pid), ctypes.c_long(0))
`,
          ),
        ),
        'open=ENXIO connect=ECONNREFUSED take=EPERM',
      );
    },
  },
  {
    name: 'code in the supervisor of the next start, by files that programs read when they start',
    async run({ provider, hostile, sh }) {
      await sh(`evil='require("fs").writeFileSync("/workspace/planted", "")'
        mkdir -p ~/.node_modules/ws ~/.node_libraries node_modules/fs ~/.config/node; echo "$evil" | tee ~/.node_modules/ws/index.js ~/.node_libraries/ws.js node_modules/fs/index.js ~/.noderc ~/.node_repl > /dev/null
        echo 'touch /workspace/planted' | tee ~/.bashrc ~/.profile ~/.bash_profile ~/.bash_env ~/.pam_environment > /dev/null
        echo 'NODE_OPTIONS=--require=/workspace/evil.cjs' > .env; echo "$evil" > evil.cjs; echo '{"type":"commonjs"}' > package.json; echo evil > ~/.ripgreprc; echo evil > /workspace/.ripgreprc
        export NODE_OPTIONS=--require=/workspace/evil.cjs LD_PRELOAD=/workspace/evil.so; true`);
      await provider.hibernate(hostile.ref);
      const again = await provider.resume(hostile.ref);
      await again.grep({ pattern: 'x', limit: 1 });
      assert.deepEqual(
        await sh(
          'ls planted; rm -rf ~/.node* ~/.bash* ~/.profile ~/.pam_environment node_modules package.json .env',
          again,
        ),
        {
          code: 0,
          out: '',
          err: "ls: cannot access 'planted': No such file or directory\n",
        },
      );
    },
  },
  {
    name: 'another sandbox’s files',
    async run({ sh, victim, hostile, dataDir }) {
      const its = `${dataDir}/sandboxes/${victim.ref.id}`;
      const { out } = await sh(
        `cat ${its}/workspace/secret /workspace/../../${victim.ref.id}/workspace/secret /tmp/secret /dev/shm/secret; ls ${its} ${its}/net; true`,
      );
      assert.equal(out, '');
      assert.equal(
        (await sh('cat secret /tmp/secret /dev/shm/secret', victim)).out,
        'victim-secret\n'.repeat(3),
      );
      assert.equal(
        await codeOf(hostile.readFile(`../${victim.ref.id}/workspace/secret`)),
        'outside-workspace',
      );
    },
  },
  {
    name: 'another sandbox’s servers, sockets and shared memory',
    async run({ py, sh, victim }) {
      const program = `
t = socket.socket(socket.AF_UNIX)
every({'port': attempt(lambda: socket.create_connection(('127.0.0.1', ${VICTIM_PORT}))), 'abstract': attempt(lambda: t.connect(b'\\0victim'))})`;
      assert.equal(await py(program), 'port=ECONNREFUSED abstract=ECONNREFUSED');
      await sh('ipcmk -M 4096 -Q -S 1 > /dev/null', victim);
      const segments = 'cat /proc/sysvipc/shm /proc/sysvipc/msg /proc/sysvipc/sem | grep -vc key';
      assert.deepEqual([(await sh(segments)).out, (await sh(segments, victim)).out], ['0\n', '3\n']);
    },
  },
  {
    name: 'another sandbox’s processes',
    async run({ sh, victim }) {
      assert.equal((await sh('cat /proc/[0-9]*/comm | grep -c python')).out, '0\n');
      assert.equal((await sh('cat /proc/[0-9]*/comm | grep -c python', victim)).out, '1\n');
    },
  },
];
