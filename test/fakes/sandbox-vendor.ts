import {
  type ProviderState,
  type Sandbox,
  SandboxError,
  type SandboxProvider,
  type SandboxRef,
} from '../../server/sandbox/sandbox.ts';

/** A machine at the vendor: what it is, and how often it was started. */
export interface VendorMachine {
  taskId: string;
  state: ProviderState;
  starts: number;
}

/** A vendor of sandboxes that does as it is told, and writes down what it was asked. Its machines run nothing. */
export interface SandboxVendor {
  provider: SandboxProvider;
  machines: Map<string, VendorMachine>;
  /** By name, the machine that each was taken of. */
  snapshots: Map<string, string>;
  /** What was asked, in order, such as `resume m1`. */
  asked: string[];
  /** The next requests fail with these, one each. */
  failures: SandboxError[];
  /** What is asked from now on waits for the returned function. */
  hold(request: 'create' | 'resume' | 'hibernate' | 'snapshot'): {
    reached: Promise<void>;
    release: () => void;
  };
}

const never = (): Promise<never> => Promise.reject(new Error('machines of this vendor run nothing'));

export function sandboxVendor(): SandboxVendor {
  const machines = new Map<string, VendorMachine>();
  const snapshots = new Map<string, string>();
  const asked: string[] = [];
  const failures: SandboxError[] = [];
  const gates = new Map<string, { reach: () => void; open: Promise<void> }>();

  async function ask(request: string, id: string): Promise<void> {
    asked.push(`${request} ${id}`);
    const gate = gates.get(request);
    gates.delete(request);
    gate?.reach();
    await gate?.open;
    const failure = failures.shift();
    if (failure) throw failure;
  }

  function known({ id }: SandboxRef): VendorMachine {
    const machine = machines.get(id);
    if (machine === undefined || machine.state === 'gone') throw new SandboxError('lost', `${id} is gone.`);
    return machine;
  }

  const open = (id: string): Sandbox => ({
    ref: { provider: 'vendor', id },
    workdir: '/workspace',
    scratchdir: '/scratch',
    caps: {
      isolation: 'vm',
      byteExactOutput: true,
      attach: true,
      network: 'none',
      limits: { processes: true, cpus: true, memory: true, disk: true },
    },
    killAll: async (prefix) => void asked.push(`kill ${id} ${prefix}`),
    exec: async () => {
      if (machines.get(id)?.state !== 'running') throw new SandboxError('lost', `${id} does not answer.`);
      return never();
    },
    readOutput: never,
    readFile: never,
    writeFile: never,
    glob: never,
    grep: never,
    putScratch: never,
    getScratch: never,
    ports: never,
    connect: never,
  });

  const provider: SandboxProvider = {
    name: 'vendor',
    traits: { locality: 'anywhere', images: true },
    async create({ taskId, from }) {
      const there = [...machines].find(([, it]) => it.taskId === taskId && it.state !== 'gone');
      const id = there?.[0] ?? `m${machines.size + 1}`;
      await ask('create', from ? `${id} from ${from.id}` : id);
      if (!there && from && !snapshots.has(from.id))
        throw new SandboxError('not-found', `There is no snapshot ${from.id}.`);
      machines.set(id, { taskId, state: 'running', starts: (there?.[1].starts ?? 0) + 1 });
      return open(id);
    },
    async resume(ref) {
      await ask('resume', ref.id);
      const machine = known(ref);
      if (machine.state !== 'running') machine.starts += 1;
      machine.state = 'running';
      return open(ref.id);
    },
    async state(ref) {
      await ask('state', ref.id);
      return machines.get(ref.id)?.state ?? 'gone';
    },
    async hibernate(ref) {
      await ask('hibernate', ref.id);
      const machine = machines.get(ref.id);
      if (machine?.state === 'running') machine.state = 'hibernated';
    },
    async destroy(ref) {
      await ask('destroy', ref.id);
      const machine = machines.get(ref.id);
      if (machine) machine.state = 'gone';
    },
    async snapshot(ref, name) {
      await ask('snapshot', ref.id);
      if (!snapshots.has(name)) {
        known(ref).state = 'hibernated';
        snapshots.set(name, ref.id);
      }
      return { provider: 'vendor', id: name };
    },
    async deleteSnapshot({ id }) {
      await ask('delete', id);
      snapshots.delete(id);
    },
    keepAlive: (ref) => ask('keep alive', ref.id),
    list: async () =>
      [...machines].flatMap(([id, { taskId, state }]) =>
        state === 'gone' ? [] : [{ ref: { provider: 'vendor', id }, taskId }],
      ),
    close: async () => {},
  };

  return {
    provider,
    machines,
    snapshots,
    asked,
    failures,
    hold(request) {
      const reached = Promise.withResolvers<void>();
      const open = Promise.withResolvers<void>();
      gates.set(request, { reach: reached.resolve, open: open.promise });
      return { reached: reached.promise, release: open.resolve };
    },
  };
}
