import assert from 'node:assert/strict';
import { type Check, fails } from './stage.ts';

/** `a=ok b=ok` for the answers of `every`. */
const all = (names: readonly string[], answer: string): string =>
  names.map((name) => `${name}=${answer}`).join(' ');

/** System calls that are all answered alike, whatever they are called with. */
const calls = (name: string, answer: string, ...which: string[]): Check => ({
  name,
  async run({ py }) {
    const list = JSON.stringify(which);
    assert.equal(
      await py(`every({name: call(name, 0, 0, 0, 0, 0) for name in ${list}})`),
      all(which, answer),
    );
  },
});

/** Only there are these calls and modes. */
const onX64 = (check: Check): Check[] => (process.arch === 'x64' ? [check] : []);

/** Attempts to gain rights, or to change what is the host's: its kernel, clock, name, mounts. */
export const KERNEL_CHECKS: Check[] = [
  {
    name: 'being root, having capabilities, gaining them, calls unfiltered',
    async run({ sh }) {
      const { out } = await sh(
        'id -u; id -G; grep -hE "^(CapInh|CapEff|CapPrm|CapBnd|CapAmb|NoNewPrivs|Seccomp):" /proc/self/status',
      );
      assert.equal(
        out,
        [
          ...['1000', '1000'],
          ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => `${name}:\t0000000000000000`),
          ...['NoNewPrivs:\t1', 'Seccomp:\t2', ''],
        ].join('\n'),
      );
    },
  },
  {
    name: 'becoming another user',
    async run({ py }) {
      assert.equal(
        await py(`every({
  'setuid': attempt(lambda: os.setuid(0)), 'setgid': attempt(lambda: os.setgid(0)), 'setgroups': attempt(lambda: os.setgroups([0])),
  'setresuid': attempt(lambda: os.setresuid(65534, 65534, 65534)),
  'capset': call('capset', ctypes.byref((ctypes.c_uint32 * 2)(0x20080522, 0)), ctypes.byref((ctypes.c_uint32 * 6)(*[0xffffffff] * 6)))})`),
        'setuid=EINVAL setgid=EINVAL setgroups=EPERM setresuid=EINVAL capset=EPERM',
      );
    },
  },
  {
    name: 'forgetting that no rights may be gained, leaving the filter',
    async run({ py }) {
      assert.equal(
        await py(
          `every({'no_new_privs': attempt_prctl(38, 0), 'seccomp': attempt_prctl(22, 0), 'keepcaps': attempt_prctl(47, 2, 21)})`.replace(
            /^/,
            `
def attempt_prctl(*arguments):
    ctypes.set_errno(0)
    return result(libc.prctl(*arguments, *[0] * (5 - len(arguments))))
`,
          ),
        ),
        'no_new_privs=EINVAL seccomp=EINVAL keepcaps=EPERM',
      );
    },
  },
  calls(
    'mounting, the old way and the new one',
    'EPERM',
    'mount',
    'umount2',
    'pivot_root',
    'chroot',
    'open_tree',
    'move_mount',
    'fsopen',
    'fsconfig',
    'fsmount',
    'fspick',
    'mount_setattr',
    'open_tree_attr',
  ),
  {
    name: 'mounting by the programs for it',
    async run(stage) {
      for (const script of [
        'mount -t tmpfs none /tmp',
        'mount --bind /usr /workspace',
        'umount /workspace',
        'mount -o remount,rw /usr',
        'mount -t proc proc /proc',
        'mount -t cgroup2 none /tmp',
        'mount -t overlay overlay -o lowerdir=/usr,upperdir=/tmp,workdir=/tmp /workspace',
        'fusermount3 -u /workspace',
        'chroot /usr /bin/true',
      ])
        await fails(stage, script);
    },
  },
  {
    name: 'namespaces of its own, of every kind, by every call',
    async run({ py, sh }) {
      assert.equal(
        await py(`
KINDS = dict(mnt=0x20000, cgroup=0x2000000, uts=0x4000000, ipc=0x8000000, user=0x10000000, pid=0x20000000, net=0x40000000)
every({kind: call('unshare', flag) + '/' + call('clone', flag | 17, 0, 0, 0, 0) for kind, flag in KINDS.items()})`),
        all(['mnt', 'cgroup', 'uts', 'ipc', 'user', 'pid', 'net'], 'EPERM/EPERM'),
      );
      assert.equal(
        await py(`every({'clone3': call('clone3', 0, 0), 'time': call('unshare', 0x80)})`),
        'clone3=ENOSYS time=EPERM',
      );
      const { out } = await sh(
        'for n in mnt uts ipc user pid net; do nsenter --$( [ $n = mnt ] && echo mount || echo $n )=/proc/1/ns/$n true 2>/dev/null && echo $n; done; true',
      );
      assert.equal(out, '');
    },
  },
  {
    name: 'entering a namespace by a descriptor',
    async run({ py }) {
      assert.equal(
        await py(
          `every({kind: call('setns', os.open('/proc/self/ns/' + kind, os.O_RDONLY), 0) for kind in ('mnt', 'net', 'user', 'pid')})`,
        ),
        all(['mnt', 'net', 'user', 'pid'], 'EPERM'),
      );
    },
  },
  {
    name: 'the tables of user ids and of clocks',
    async run({ py }) {
      assert.equal(
        await py(`
def write(path, text):
    with open(path, 'w') as file: file.write(text)
every({path: attempt(lambda: write('/proc/self/' + path, text)) for path, text in (('uid_map', '0 0 1'), ('gid_map', '0 0 1'), ('setgroups', 'allow'), ('timens_offsets', 'monotonic 1 0'))})`),
        'uid_map=EPERM gid_map=EPERM setgroups=EACCES timens_offsets=EPERM',
      );
    },
  },
  {
    name: 'settings of the kernel',
    async run({ sh }) {
      const settings = [
        'kernel/core_pattern',
        'kernel/modprobe',
        'kernel/hostname',
        'kernel/randomize_va_space',
        'kernel/yama/ptrace_scope',
        'net/ipv4/ip_forward',
        'net/ipv4/ip_unprivileged_port_start',
        'vm/overcommit_memory',
        'vm/drop_caches',
        'fs/file-max',
        'fs/binfmt_misc/register',
        'user/max_user_namespaces',
      ];
      const { out } = await sh(
        `cd /proc/sys; for s in ${settings.join(' ')}; do { echo "|/workspace/evil" > $s; } 2>/dev/null && echo $s; done; true`,
      );
      assert.equal(out, '');
    },
  },
  {
    name: 'magic keys, memory and messages of the kernel',
    async run(stage) {
      for (const script of [
        'echo b > /proc/sysrq-trigger',
        'dmesg',
        'cat /dev/kmsg',
        'head -c1 /proc/kcore',
        'head -c1 /proc/kmsg',
        'head -c1 /dev/mem',
        'head -c1 /dev/port',
        'cat /proc/1/mem',
        'echo 1 > /proc/irq/0/smp_affinity',
        'echo x > /proc/scsi/scsi',
        'head -c1 /proc/timer_list',
        'cat /proc/vmallocinfo /proc/slabinfo',
      ])
        await fails(stage, script);
      assert.equal((await stage.sh("awk '$1 !~ /^0+$/' /proc/kallsyms | head -1")).out, '');
    },
  },
  {
    name: 'devices and groups of processes by /sys',
    async run(stage) {
      await fails(stage, 'ls -A /sys /sys/fs/cgroup | grep -v : | grep .');
      await fails(stage, 'find / -name release_agent -o -name cgroup.procs 2>/dev/null | grep .');
      assert.match((await stage.sh('cat /proc/self/cgroup')).out, /^\d+:[^:]*:\/$/m);
    },
  },
  {
    name: 'the names of the person’s keys',
    async run({ sh }) {
      const { out, err } = await sh('cat /proc/keys /proc/key-users');
      assert.deepEqual([out, err.match(/Permission denied/g)?.length], ['', 2]);
    },
  },
  calls('keyrings', 'EPERM', 'keyctl', 'add_key', 'request_key'),
  calls('io_uring', 'ENOSYS', 'io_uring_setup', 'io_uring_enter', 'io_uring_register'),
  calls(
    'bpf, performance events, page faults, file notifications of the whole host',
    'EPERM',
    'bpf',
    'perf_event_open',
    'userfaultfd',
    'fanotify_init',
  ),
  calls(
    'another kernel, modules, reboot',
    'EPERM',
    'kexec_load',
    'kexec_file_load',
    'init_module',
    'finit_module',
    'delete_module',
    'reboot',
  ),
  calls(
    'swap, accounting, quotas, the kernel’s log',
    'EPERM',
    'swapon',
    'swapoff',
    'acct',
    'quotactl',
    'syslog',
    'vhangup',
  ),
  calls('files by handle, without a path', 'EPERM', 'name_to_handle_at', 'open_by_handle_at'),
  calls('the clock', 'EPERM', 'settimeofday', 'clock_settime', 'clock_adjtime', 'adjtimex'),
  {
    name: 'the name of the host',
    async run({ py, sh }) {
      assert.equal(
        await py(
          `every({name: call(name, ctypes.c_char_p(b'evil'), 4) for name in ('sethostname', 'setdomainname')})`,
        ),
        'sethostname=EPERM setdomainname=EPERM',
      );
      assert.equal((await sh('hostname || cat /proc/sys/kernel/hostname')).out, 'sandbox\n');
    },
  },
  ...onX64({
    name: 'segments, ports of the machine',
    async run({ py }) {
      assert.equal(
        await py(`
def number(n):
    ctypes.set_errno(0)
    return result(libc.syscall(ctypes.c_long(n), *[ctypes.c_long(0)] * 5))
every({'modify_ldt': number(154), 'iopl': number(172), 'ioperm': number(173)})`),
        'modify_ldt=EPERM iopl=EPERM ioperm=EPERM',
      );
    },
  }),
  ...onX64({
    name: 'calls of 32 bits and of x32, which have other numbers',
    async run({ py, sh }) {
      assert.equal(
        await py(`
def number(n):
    ctypes.set_errno(0)
    return result(libc.syscall(ctypes.c_long(n), *[ctypes.c_long(0)] * 5))
every({'getpid': number(0x40000000 + 39), 'mount': number(0x40000000 + 165)})`),
        'getpid=EPERM mount=EPERM',
      );
      // mov eax, 20 (getpid); int 0x80; ret
      const program = `import ctypes, mmap
m = mmap.mmap(-1, 4096, prot=7); m.write(bytes.fromhex('b814000000cd80c3'))
print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))())`;
      assert.equal(
        (await sh(`/usr/bin/python3 -c "${program}"; echo $?`)).out,
        '159\n',
        'it is killed by SIGSYS',
      );
    },
  }),
  {
    name: 'typing into a terminal',
    async run({ py }) {
      assert.equal(
        await py(`
import fcntl
master, slave = os.openpty()
def control(number):
    ctypes.set_errno(0)
    return result(libc.ioctl(slave, ctypes.c_ulong(number), ctypes.c_char_p(b'x')))
every({'TIOCSTI': control(0x5412), 'TIOCSTI-above': control(0x100005412), 'TIOCLINUX': control(0x541c), 'tty': attempt(lambda: os.open('/dev/tty', os.O_RDWR))})`),
        'TIOCSTI=EPERM TIOCSTI-above=EPERM TIOCLINUX=EPERM tty=ENXIO',
      );
    },
  },
  {
    name: 'control sequences in output: they come back as the bytes that they are',
    async run({ hostile }) {
      const bytes = [...Array(256).keys()].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
      const result = await hostile.exec({
        execId: 'escape:bytes',
        argv: ['bash', '-c', `printf '${bytes}\\x1b]52;c;ZXZpbA==\\x07'`],
        timeoutMs: 10_000,
        maxOutputBytes: 1_000,
      });
      assert.deepEqual(
        Buffer.concat([result.stdout.head, result.stdout.tail]),
        Buffer.concat([Buffer.from([...Array(256).keys()]), Buffer.from('\x1b]52;c;ZXZpbA==\x07')]),
      );
    },
  },
  {
    name: 'raising limits and priorities',
    async run({ py }) {
      assert.equal(
        await py(`
import resource
def raised(which):
    soft, hard = resource.getrlimit(which)
    try:
        resource.setrlimit(which, (hard + 1, hard + 1)); return 'ok'
    except (ValueError, OSError) as error: return type(error).__name__
every({
  'nproc': raised(resource.RLIMIT_NPROC), 'nofile': raised(resource.RLIMIT_NOFILE), 'fsize': raised(resource.RLIMIT_FSIZE), 'core': raised(resource.RLIMIT_CORE),
  'nice': attempt(lambda: os.nice(-5)),
  'realtime': attempt(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))),
  'io': call('ioprio_set', 1, 0, (1 << 13) | 4)})`),
        'nproc=ValueError nofile=ValueError fsize=ValueError core=ValueError nice=EPERM realtime=EPERM io=EPERM',
      );
    },
  },
  {
    name: 'being spared more than anything of the host when memory is short',
    async run({ sh, py }) {
      assert.equal(
        await py(`
def write(path, text):
    with open(path, 'w') as file: file.write(text)
every({'never': attempt(lambda: write('/proc/self/oom_score_adj', '-1000')), 'less': attempt(lambda: write('/proc/self/oom_score_adj', '-1')), 'supervisor': attempt(lambda: write('/proc/2/oom_score_adj', '-1'))})`),
        'never=EACCES less=EACCES supervisor=EACCES',
      );
      assert.equal((await sh('cat /proc/self/oom_score_adj')).out, '700\n');
    },
  },
];
