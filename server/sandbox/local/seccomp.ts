/**
 * The system call filter of a sandbox, as the classic BPF program that `bwrap --seccomp` loads. It refuses what no build
 * or test needs and what kernel exploits like: mounting, new namespaces, BPF, io_uring, keyrings, kernel modules, clocks,
 * typing into the terminal, sockets of rare families. Everything else is allowed; namespaces do the confining.
 * Numbers are of Linux' `asm/unistd_64.h` and `asm-generic/unistd.h`.
 */

/** Architectures that have a filter, by Node's names. Elsewhere there is no sandbox. */
export type FilterArch = 'x64' | 'arm64';

interface Numbers {
  /** AUDIT_ARCH_*: a 32-bit call on a 64-bit kernel has another one, and other numbers. */
  audit: number;
  clone: number;
  ioctl: number;
  socket: number;
  socketpair: number;
  denied: number[];
}

/** mount and its kin (open_tree to fspick, mount_setattr, open_tree_attr), pidfd_getfd, quotactl_fd: numbered alike everywhere. */
const DENIED_EVERYWHERE = [428, 429, 430, 431, 432, 433, 442, 467, 438, 443];
/** io_uring_*, clone3: answered "no such call", so that programs fall back to what the filter can read. */
const MISSING_EVERYWHERE = [425, 426, 427, 435];

const NUMBERS: Record<FilterArch, Numbers> = {
  x64: {
    audit: 0xc000003e,
    clone: 56,
    ioctl: 16,
    socket: 41,
    socketpair: 53,
    denied: [
      ...[165, 166, 155, 161, 167, 168, 169, 163, 179, 180, 103, 153, 212, 134, 136], // mount umount2 pivot_root chroot swapon swapoff reboot acct quotactl nfsservctl syslog vhangup lookup_dcookie uselib ustat
      ...[175, 313, 176, 246, 320, 321, 298, 323, 300], // init_module finit_module delete_module kexec_load kexec_file_load bpf perf_event_open userfaultfd fanotify_init
      ...[248, 249, 250, 303, 304, 308, 272, 312], // add_key request_key keyctl name_to_handle_at open_by_handle_at setns unshare kcmp
      ...[164, 227, 305, 159, 172, 173, 154, 156], // settimeofday clock_settime clock_adjtime adjtimex iopl ioperm modify_ldt _sysctl
    ],
  },
  arm64: {
    audit: 0xc00000b7,
    clone: 220,
    ioctl: 29,
    socket: 198,
    socketpair: 199,
    denied: [
      ...[40, 39, 41, 51, 224, 225, 142, 89, 60, 42, 116, 58, 18], // mount umount2 pivot_root chroot swapon swapoff reboot acct quotactl nfsservctl syslog vhangup lookup_dcookie
      ...[105, 273, 106, 104, 294, 280, 241, 282, 262], // init_module finit_module delete_module kexec_load kexec_file_load bpf perf_event_open userfaultfd fanotify_init
      ...[217, 218, 219, 264, 265, 268, 97, 272], // add_key request_key keyctl name_to_handle_at open_by_handle_at setns unshare kcmp
      ...[170, 112, 266, 171], // settimeofday clock_settime clock_adjtime adjtimex
    ],
  },
};

const RETURN = {
  allow: 0x7fff0000,
  kill: 0x80000000,
  eperm: 0x00050001,
  enosys: 0x00050026,
  eafnosupport: 0x00050061,
};
/** Every flag of clone() that makes a namespace: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NAMESPACE_FLAGS = 0x7e020000;
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK (glibc lists interfaces through it): all confined by the network namespace. */
const FAMILIES = [1, 2, 10, 16];
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

/** Offsets in struct seccomp_data; arguments are 64 bits wide and these calls look at the low half. */
const OFFSET = { call: 0, arch: 4, arg0: 16, arg1: 24 };
/** The x32 calls of x86-64 have this bit set and would pass by the table. */
const X32_BIT = 0x40000000;

interface Instruction {
  code: number;
  yes: number;
  no: number;
  value: number;
}
const load = (offset: number): Instruction => ({ code: 0x20, yes: 0, no: 0, value: offset });
const and = (mask: number): Instruction => ({ code: 0x54, yes: 0, no: 0, value: mask });
const answer = (value: number): Instruction => ({ code: 0x06, yes: 0, no: 0, value });
const equal = (value: number, yes: number, no: number): Instruction => ({ code: 0x15, yes, no, value });
const atLeast = (value: number, yes: number, no: number): Instruction => ({ code: 0x35, yes, no, value });

/** `body` for the call of that number; it ends in an answer, or loads the call's number again and falls through. */
const forCall = (call: number, body: Instruction[]): Instruction[] => [equal(call, 0, body.length), ...body];

/** The program, as bytes of struct sock_filter in the byte order of both architectures (little endian). */
export function seccompFilter(arch: FilterArch): Buffer {
  const numbers = NUMBERS[arch];
  const program = [
    load(OFFSET.arch),
    equal(numbers.audit, 1, 0),
    answer(RETURN.kill),
    load(OFFSET.call),
    atLeast(X32_BIT, 0, 1),
    answer(RETURN.eperm),
    ...[...numbers.denied, ...DENIED_EVERYWHERE].flatMap((call) => forCall(call, [answer(RETURN.eperm)])),
    ...MISSING_EVERYWHERE.flatMap((call) => forCall(call, [answer(RETURN.enosys)])),
    ...forCall(numbers.clone, [
      load(OFFSET.arg0),
      and(NAMESPACE_FLAGS),
      equal(0, 1, 0),
      answer(RETURN.eperm),
      answer(RETURN.allow),
    ]),
    ...forCall(numbers.ioctl, [
      load(OFFSET.arg1),
      equal(TIOCSTI, 1, 0),
      equal(TIOCLINUX, 0, 1),
      answer(RETURN.eperm),
      answer(RETURN.allow),
    ]),
    ...[numbers.socket, numbers.socketpair].flatMap((call) =>
      forCall(call, [
        load(OFFSET.arg0),
        ...FAMILIES.map((family, index) => equal(family, FAMILIES.length - index, 0)),
        answer(RETURN.eafnosupport),
        answer(RETURN.allow),
      ]),
    ),
    answer(RETURN.allow),
  ];
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, { code, yes, no, value }] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(yes, index * 8 + 2);
    bytes.writeUInt8(no, index * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  }
  return bytes;
}
