import { readdirSync, readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { runtimeDirs } from '../../../../server/sandbox/local/layout.ts';
import { createLocalProvider } from '../../../../server/sandbox/local/provider.ts';
import { isOpenToAll } from '../../../../server/sandbox/local/tools.ts';
import type {
  ExecRequest,
  ExecResult,
  Sandbox,
  SandboxProvider,
} from '../../../../server/sandbox/sandbox.ts';

/** A provider on a data folder of its own, with the supervisor as `esbuild.mjs` bundles it. */
export interface LocalFixture {
  dataDir: string;
  supervisorPath: string;
  provider: SandboxProvider;
  /** A task id that no other test has, so that processes can be told apart on the machine. */
  taskId: string;
  /** Destroys what was made, and removes the folder. */
  dispose(): Promise<void>;
}

/** @param parent where the data folder is made; the system's temporary folder if absent */
export async function localFixture(parent = tmpdir()): Promise<LocalFixture> {
  const root = await fs.mkdtemp(join(parent, 'handoff-test-'));
  const supervisorPath = await bundleSupervisor(root);
  const dataDir = join(root, 'data');
  await fs.mkdir(dataDir, { mode: 0o700 });
  const provider = createLocalProvider({ dataDir, supervisorPath });
  return {
    dataDir,
    supervisorPath,
    provider,
    taskId: `task-of-${basename(root)}`,
    async dispose() {
      const ids = await fs.readdir(join(dataDir, 'sandboxes')).catch(() => []);
      for (const id of ids.filter((name) => !name.startsWith('.')))
        await provider.destroy({ provider: 'local', id });
      await provider.close();
      await fs.rm(dirname(runtimeDirs(dataDir, process.getuid?.() ?? -1).sockets), {
        recursive: true,
        force: true,
      });
      await fs.rm(root, { recursive: true, force: true });
    },
  };
}

/** Bundles the supervisor into `folder`. */
export function bundleSupervisor(folder: string): Promise<string> {
  return bundle('server/sandbox/supervisor/main.ts', join(folder, 'supervisor.mjs'));
}

/**
 * A relay (`in-process.ts`) and a Node in `folder`, for a user who may not be able to pass to those that run here; `folder`
 * itself must be open to that user.
 */
export async function relayForAll(folder: string): Promise<{ program: string; nodePath: string }> {
  const program = await bundle('test/relay/sandbox/support/in-process.ts', join(folder, 'in-process.mjs'));
  if (isOpenToAll(process.execPath, 0o005)) return { program, nodePath: process.execPath };
  const nodePath = join(folder, 'node');
  await fs.copyFile(process.execPath, nodePath, fs.constants.COPYFILE_FICLONE);
  await fs.chmod(nodePath, 0o755);
  return { program, nodePath };
}

async function bundle(entry: string, outfile: string): Promise<string> {
  // Loaded here, so that a bundle of this very file does not ask for it.
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
  });
  return outfile;
}

let counter = 0;

/** A request with everything that a test does not care about. */
export function request(argv: string[], more: Partial<ExecRequest> = {}): ExecRequest {
  counter += 1;
  return { execId: `turn:${counter}`, argv, timeoutMs: 15_000, maxOutputBytes: 65_536, ...more };
}

/** Runs a shell script and answers what a person at a terminal would note. */
export async function shell(
  sandbox: Sandbox,
  script: string,
  more: Partial<ExecRequest> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const result = await sandbox.exec(request(['bash', '-c', script], more));
  return { code: result.exitCode, ...texts(result) };
}

/** Both streams as text; what was omitted shows as a mark. */
export function texts({ stdout, stderr }: ExecResult): { out: string; err: string } {
  const text = ({ head, tail, omittedBytes }: ExecResult['stdout']): string =>
    `${Buffer.from(head)}${omittedBytes > 0 ? `<${omittedBytes}>` : ''}${Buffer.from(tail)}`;
  return { out: text(stdout), err: text(stderr) };
}

/** A sandbox has two: its first process, and the one outside that waits for it. */
export const BUBBLEWRAPS_EACH = 2;

/** How many bubblewrap processes of a sandbox live on this machine. */
export function bubblewrapsOf(id: string): number {
  return processesOf('bwrap', id).length;
}

/** The processes of a program that hold a sandbox, by ascending number: with `flock`, the one that has its lock. */
export function processesOf(program: 'bwrap' | 'flock', id: string): number[] {
  const commandLine = (pid: number): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return ''; // It ended meanwhile.
    }
  };
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid))
    .filter((pid) => {
      const line = commandLine(pid);
      return line.startsWith(`/usr/bin/${program}\0`) && line.includes(`/${id}/workspace`);
    });
}
