import { randomBytes } from 'node:crypto';
import { createDaytonaProvider } from '../../../server/sandbox/daytona/provider.ts';
import type { SandboxCaps, SandboxProvider } from '../../../server/sandbox/sandbox.ts';
import { bundleSupervisor, daytonaFixture } from '../daytona/support/provider.ts';
import { conformance } from './suite.ts';

const CAPS: SandboxCaps = {
  isolation: 'container',
  byteExactOutput: true,
  attach: true,
  network: 'none',
  limits: { processes: false, cpus: true, memory: true, disk: true },
};

let tasks = 0;
const newTaskId = (): string => {
  tasks += 1;
  return `conformance-${process.pid}-${tasks}`;
};

conformance('Daytona (its double)', async () => {
  const { double, relay, dispose } = await daytonaFixture();
  return {
    provider: relay(),
    caps: CAPS,
    anotherRelay: () => relay(),
    newTaskId,
    async dispose() {
      await dispose();
      if (double.problems.length > 0)
        throw new Error(`the double is not like Daytona: ${double.problems.join('; ')}`);
    },
  };
});

const apiKey = process.env['DAYTONA_API_KEY'];

if (apiKey === undefined) {
  describe('conformance of Daytona sandboxes (the service itself)', () => {
    it('is not checked here: set DAYTONA_API_KEY for it (this costs a few cents)', () => {});
  });
} else {
  conformance(
    'Daytona (the service itself)',
    async () => {
      const bundle = await bundleSupervisor();
      const owner = `conformance-${randomBytes(4).toString('hex')}`;
      const relays: SandboxProvider[] = [];
      const relay = (): SandboxProvider => {
        const made = createDaytonaProvider({
          apiKey,
          apiUrl: process.env['DAYTONA_API_URL'],
          target: process.env['DAYTONA_TARGET'],
          owner,
          image: process.env['HANDOFF_IMAGE'],
          snapshot: process.env['HANDOFF_DAYTONA_SNAPSHOT'],
          idleMs: 600_000,
          supervisorPath: bundle.path,
        });
        relays.push(made);
        return made;
      };
      const provider = relay();
      return {
        provider,
        caps: CAPS,
        anotherRelay: relay,
        newTaskId,
        async dispose() {
          for (const { ref } of await provider.list()) await provider.destroy(ref);
          await Promise.all(relays.map((one) => one.close()));
          await bundle.remove();
        },
      };
    },
    { timeout: 300_000 },
  );
}
