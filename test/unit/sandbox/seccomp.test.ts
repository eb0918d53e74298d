import assert from 'node:assert/strict';
import { type FilterArch, seccompFilter } from '../../../server/sandbox/local/seccomp.ts';

/** Does what the kernel does with a filter, for the instructions that ours has. */
function verdict(arch: FilterArch, data: { arch: number; call: number; args?: number[] }): number {
  const program = seccompFilter(arch);
  const input = Buffer.alloc(64);
  input.writeUInt32LE(data.call, 0);
  input.writeUInt32LE(data.arch, 4);
  for (const [index, value] of (data.args ?? []).entries()) input.writeUInt32LE(value, 16 + index * 8);
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at += 1) {
    const code = program.readUInt16LE(at * 8);
    const [yes, no] = [program.readUInt8(at * 8 + 2), program.readUInt8(at * 8 + 3)];
    const value = program.readUInt32LE(at * 8 + 4);
    if (code === 0x20) accumulator = input.readUInt32LE(value);
    else if (code === 0x54) accumulator = (accumulator & value) >>> 0;
    else if (code === 0x15) at += accumulator === value ? yes : no;
    else if (code === 0x35) at += accumulator >= value ? yes : no;
    else if (code === 0x06) return value;
    else assert.fail(`instruction ${code} is not known`);
  }
  return assert.fail('the filter ends without an answer');
}

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;
const EAFNOSUPPORT = 0x00050061;
const X64 = 0xc000003e;
const ARM64 = 0xc00000b7;

describe('the system call filter', () => {
  const cases: Array<[name: string, arch: FilterArch, data: Parameters<typeof verdict>[1], answer: number]> =
    [
      ['read', 'x64', { arch: X64, call: 0 }, ALLOW],
      ['execve', 'x64', { arch: X64, call: 59 }, ALLOW],
      ['mount', 'x64', { arch: X64, call: 165 }, EPERM],
      ['unshare', 'x64', { arch: X64, call: 272 }, EPERM],
      ['bpf', 'x64', { arch: X64, call: 321 }, EPERM],
      ['mount_setattr', 'x64', { arch: X64, call: 442 }, EPERM],
      ['pidfd_getfd', 'x64', { arch: X64, call: 438 }, EPERM],
      ['open_tree_attr', 'x64', { arch: X64, call: 467 }, EPERM],
      ['clone3', 'x64', { arch: X64, call: 435 }, ENOSYS],
      ['io_uring_setup', 'x64', { arch: X64, call: 425 }, ENOSYS],
      ['clone of a thread', 'x64', { arch: X64, call: 56, args: [0x3d0f00] }, ALLOW],
      ['clone of a process', 'x64', { arch: X64, call: 56, args: [0x11] }, ALLOW],
      ['clone into a user namespace', 'x64', { arch: X64, call: 56, args: [0x10000011] }, EPERM],
      ['clone into a network namespace', 'x64', { arch: X64, call: 56, args: [0x40000011] }, EPERM],
      ['ioctl TCGETS', 'x64', { arch: X64, call: 16, args: [0, 0x5401] }, ALLOW],
      ['ioctl TIOCSTI', 'x64', { arch: X64, call: 16, args: [0, 0x5412] }, EPERM],
      ['ioctl TIOCLINUX', 'x64', { arch: X64, call: 16, args: [0, 0x541c] }, EPERM],
      ['socket AF_UNIX', 'x64', { arch: X64, call: 41, args: [1] }, ALLOW],
      ['socket AF_INET6', 'x64', { arch: X64, call: 41, args: [10] }, ALLOW],
      ['socket AF_NETLINK', 'x64', { arch: X64, call: 41, args: [16] }, ALLOW],
      ['socket AF_PACKET', 'x64', { arch: X64, call: 41, args: [17] }, EAFNOSUPPORT],
      ['socket AF_VSOCK', 'x64', { arch: X64, call: 41, args: [40] }, EAFNOSUPPORT],
      ['socketpair AF_UNIX', 'x64', { arch: X64, call: 53, args: [1] }, ALLOW],
      ['socketpair AF_TIPC', 'x64', { arch: X64, call: 53, args: [30] }, EAFNOSUPPORT],
      ['an x32 call', 'x64', { arch: X64, call: 0x40000000 }, EPERM],
      ['a 32-bit call', 'x64', { arch: 0x40000003, call: 5 }, KILL],
      ['read', 'arm64', { arch: ARM64, call: 63 }, ALLOW],
      ['mount', 'arm64', { arch: ARM64, call: 40 }, EPERM],
      ['unshare', 'arm64', { arch: ARM64, call: 97 }, EPERM],
      ['clone of a process', 'arm64', { arch: ARM64, call: 220, args: [0x11] }, ALLOW],
      ['clone into a user namespace', 'arm64', { arch: ARM64, call: 220, args: [0x10000011] }, EPERM],
      ['socket AF_PACKET', 'arm64', { arch: ARM64, call: 198, args: [17] }, EAFNOSUPPORT],
      ['socketpair AF_TIPC', 'arm64', { arch: ARM64, call: 199, args: [30] }, EAFNOSUPPORT],
      ['pidfd_getfd', 'arm64', { arch: ARM64, call: 438 }, EPERM],
      ['a 32-bit call', 'arm64', { arch: 0x40000028, call: 5 }, KILL],
    ];
  for (const [name, arch, data, answer] of cases) {
    it(`answers ${name} on ${arch} with 0x${answer.toString(16)}`, () => {
      assert.equal(verdict(arch, data), answer);
    });
  }
});
