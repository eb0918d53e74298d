import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createLocalProvider, type LocalProvider } from '../../../../server/sandbox/local/provider.ts';
import { type Sandbox, SandboxError, type SandboxErrorCode } from '../../../../server/sandbox/sandbox.ts';
import { request, texts } from '../support/local.ts';
import { killEgress } from '../support/network.ts';

/** One attempt to get out; it fails where the attempt does not fail as it should. */
export interface Check {
  name: string;
  run(stage: Stage): Promise<void>;
}

/** A host with something to steal, and two strangers' sandboxes on it. */
export interface Stage {
  provider: LocalProvider;
  dataDir: string;
  /** May reach `web.test` and more names of the test's internet. */
  hostile: Sandbox;
  /** Somebody else's, of the same relay; a server listens in it on `VICTIM_PORT`. */
  victim: Sandbox;
  /** A file of the host that every user of it may read. */
  secretFile: string;
  /** A socket of the host that every user of it may connect to. */
  hostSocket: string;
  abstractSocket: string;
  /** A server on all addresses of the host. */
  hostPort: number;
  /** Runs a shell script in the hostile sandbox. */
  sh(script: string, on?: Sandbox): Promise<{ code: number | null; out: string; err: string }>;
  /** What a Python program prints there, which may use `call` and `attempt`; a failure of the program itself is one of the check. */
  py(program: string, on?: Sandbox): Promise<string>;
  close(): Promise<void>;
}

export const SECRET = 'host-secret-on-disk';
export const SECRET_IN_ENV = 'host-secret-in-environment';
export const VICTIM_PORT = 4_567;
/** Names of the test's internet that the hostile sandbox may reach. */
export const ALLOWED = [
  'web.test',
  'inner.test',
  'mixed.test',
  'rebinding.test',
  'metadata.test',
  '*.wild.test',
];

/** `call(name, ...)` makes a system call and `attempt(f)` does anything else: both answer `ok` or the name of the error. */
const PRELUDE = `
import ctypes, errno, os, platform, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
X64 = platform.machine() == 'x86_64'
NUMBERS = dict(
  getpid=(39, 172), mount=(165, 40), umount2=(166, 39), pivot_root=(155, 41), chroot=(161, 51), setns=(308, 268), unshare=(272, 97),
  open_tree=(428, 428), move_mount=(429, 429), fsopen=(430, 430), fsconfig=(431, 431), fsmount=(432, 432), fspick=(433, 433), mount_setattr=(442, 442), open_tree_attr=(467, 467),
  clone=(56, 220), clone3=(435, 435), io_uring_setup=(425, 425), io_uring_enter=(426, 426), io_uring_register=(427, 427),
  bpf=(321, 280), perf_event_open=(298, 241), userfaultfd=(323, 282), fanotify_init=(300, 262), keyctl=(250, 219), add_key=(248, 217), request_key=(249, 218),
  kexec_load=(246, 104), kexec_file_load=(320, 294), init_module=(175, 105), finit_module=(313, 273), delete_module=(176, 106), reboot=(169, 142),
  swapon=(167, 224), swapoff=(168, 225), acct=(163, 89), quotactl=(179, 60), syslog=(103, 116), name_to_handle_at=(303, 264), open_by_handle_at=(304, 265),
  kcmp=(312, 272), settimeofday=(164, 170), clock_settime=(227, 112), clock_adjtime=(305, 266), adjtimex=(159, 171), sethostname=(170, 161), setdomainname=(171, 162),
  pidfd_open=(434, 434), pidfd_getfd=(438, 438), process_vm_readv=(310, 270), ptrace=(101, 117), capset=(126, 91), vhangup=(153, 58), ioprio_set=(251, 30))
def result(value):
    return 'ok' if value >= 0 else errno.errorcode[ctypes.get_errno()]
def call(name, *arguments):
    ctypes.set_errno(0)
    return result(libc.syscall(ctypes.c_long(NUMBERS[name][0 if X64 else 1]), *[ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]))
def attempt(action):
    try:
        action()
        return 'ok'
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
def every(answers):
    print(' '.join(name + '=' + answer for name, answer in answers.items()))
`;

/**
 * @param dataDir empty, and of this user; its parent may be entered by all
 * @param supervisorPath with the egress process beside it
 */
export async function setStage(options: {
  dataDir: string;
  supervisorPath: string;
  nodePath?: string;
}): Promise<Stage> {
  const { dataDir } = options;
  process.env['HANDOFF_TEST_SECRET'] = SECRET_IN_ENV;
  const secretFile = join(dataDir, 'token');
  await fs.writeFile(secretFile, SECRET, { mode: 0o644 });
  const servers: Server[] = [];
  const listen = async (where: object): Promise<Server> => {
    const server = createServer((socket) => socket.end('reached'));
    servers.push(server);
    server.listen(where);
    await once(server, 'listening');
    return server;
  };
  const hostSocket = join(dataDir, 'host.sock');
  await listen({ path: hostSocket, readableAll: true, writableAll: true });
  const abstractSocket = `handoff-escape-${process.pid}`;
  await listen({ path: `\0${abstractSocket}` });
  const { port: hostPort } = (await listen({ port: 0, host: '0.0.0.0' })).address() as AddressInfo;

  const provider = createLocalProvider(options);
  const network = { mode: 'allow-list', domains: ALLOWED } as const;
  const hostile = await provider.create({ taskId: 'hostile', network });
  const victim = await provider.create({ taskId: 'victim', network });
  await victim.exec(
    request([
      'bash',
      '-c',
      `echo victim-secret > secret; echo victim-secret > /tmp/secret; echo victim-secret > /dev/shm/secret
       setsid /usr/bin/python3 -c "import socket; s=socket.socket(); s.bind(('127.0.0.1', ${VICTIM_PORT})); s.listen(); t=socket.socket(socket.AF_UNIX); t.bind(b'\\\\0victim'); t.listen(); open('listening', 'w'); s.accept()" > /dev/null 2>&1 &
       until [ -e listening ]; do sleep 0.02; done`,
    ]),
  );

  return {
    provider,
    dataDir,
    hostile,
    victim,
    secretFile,
    hostSocket,
    abstractSocket,
    hostPort,
    async sh(script, on = hostile) {
      const result = await on.exec(request(['bash', '-c', script]));
      return { code: result.exitCode, ...texts(result) };
    },
    async py(program, on = hostile) {
      const result = await on.exec(request(['/usr/bin/python3', '-c', PRELUDE + program]));
      const { out, err } = texts(result);
      assert.deepEqual({ code: result.exitCode, err }, { code: 0, err: '' });
      return out.trimEnd();
    },
    async close() {
      delete process.env['HANDOFF_TEST_SECRET'];
      for (const server of servers) server.close();
      for (const { ref } of await provider.list()) await provider.destroy(ref);
      await provider.close();
      await killEgress(dataDir);
    },
  };
}

/** Fails unless the script does. */
export async function fails(stage: Stage, script: string): Promise<void> {
  const { code, out, err } = await stage.sh(script);
  assert.notEqual(code, 0, `it worked: ${script}: ${out}${err}`);
}

/** How an operation of a sandbox fails. */
export async function codeOf(work: Promise<unknown>): Promise<SandboxErrorCode | 'none'> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (error instanceof SandboxError) return error.code;
    throw error;
  }
}
