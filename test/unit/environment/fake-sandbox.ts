import type { BoundedOutput, ExecRequest, ExecStream, Sandbox } from '../../../server/sandbox/sandbox.ts';

const notHere = () => Promise.reject(new Error('this sandbox only prints'));

/** What a command of `printingSandbox` prints. */
export interface Printed {
  chunks?: ExecStream[];
  stdout?: Partial<BoundedOutput>;
  stderr?: Partial<BoundedOutput>;
}

/** A sandbox whose every command prints the same. `started` records what it was asked for. */
export function printingSandbox(printed: Printed = {}): Sandbox & { started: ExecRequest[] } {
  const started: ExecRequest[] = [];
  const none = { head: new Uint8Array(), tail: new Uint8Array(), omittedBytes: 0 };
  const whole = Buffer.concat((printed.chunks ?? []).map(({ data }) => data));
  return {
    ref: { provider: 'printing', id: 'p1' },
    caps: {
      isolation: 'container',
      byteExactOutput: true,
      attach: false,
      network: 'none',
      limits: { processes: false, cpus: false, memory: false, disk: false },
    },
    workdir: '/workspace',
    scratchdir: '/scratch',
    started,
    async exec(request, options) {
      started.push(request);
      for (const chunk of printed.chunks ?? []) options?.onOutput?.(chunk);
      return {
        exitCode: 0,
        reason: 'exit',
        durationMs: 1,
        stdout: { ...none, ...printed.stdout },
        stderr: { ...none, ...printed.stderr },
      };
    },
    readOutput: async (_execId, _stream, { offset, length }) => ({
      data: whole.subarray(offset, offset + length),
      size: whole.length,
    }),
    readFile: async () => ({ data: whole, size: whole.length, sha256: '' }),
    grep: async () => ({ matches: [{ path: 'a', line: 1, text: whole.toString() }], truncated: false }),
    killAll: notHere,
    putScratch: notHere,
    getScratch: notHere,
    writeFile: notHere,
    glob: notHere,
    ports: notHere,
    connect: notHere,
  };
}
