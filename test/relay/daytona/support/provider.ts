import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDaytonaProvider, type DaytonaOptions } from '../../../../server/sandbox/daytona/provider.ts';
import type { SandboxProvider } from '../../../../server/sandbox/sandbox.ts';
import { type DaytonaDouble, startDaytonaDouble } from '../../../fakes/daytona/server.ts';

export type More = Partial<DaytonaOptions>;

/** The double, and relays that use it. */
export interface DaytonaFixture {
  double: DaytonaDouble;
  /** A relay of its own, which remembers nothing of the others; closed with the rest. */
  relay(more?: More): SandboxProvider;
  dispose(): Promise<void>;
}

export async function daytonaFixture(): Promise<DaytonaFixture> {
  const [double, bundle] = await Promise.all([startDaytonaDouble(), bundleSupervisor()]);
  const relays: SandboxProvider[] = [];
  return {
    double,
    relay(more = {}) {
      const relay = createDaytonaProvider({
        apiKey: double.apiKey,
        apiUrl: double.url,
        target: 'us',
        owner: 'test',
        image: undefined,
        snapshot: undefined,
        idleMs: 600_000,
        supervisorPath: bundle.path,
        ...more,
      });
      relays.push(relay);
      return relay;
    },
    async dispose() {
      await Promise.all(relays.map((relay) => relay.close()));
      await double.close();
      await bundle.remove();
    },
  };
}

/** The supervisor as `esbuild.mjs` bundles it, in a folder of its own. */
export async function bundleSupervisor(): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'daytona-kit-'));
  const path = join(folder, 'supervisor-websocket.mjs');
  await bundle('server/sandbox/supervisor/websocket.ts', path);
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}

export async function bundle(entry: string, outfile: string): Promise<void> {
  const { build } = await import('esbuild');
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
}
