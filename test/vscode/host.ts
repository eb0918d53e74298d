import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureVsCode, type VsCode } from './setup.ts';

/** Keeps VS Code from what a test does not look at: welcome pages, trust, AI, updates, port forwarding, telemetry. */
export const QUIET_SETTINGS = {
  'security.workspace.trust.enabled': false,
  'window.autoDetectColorScheme': true,
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.tips.enabled': false,
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'remote.autoForwardPorts': false,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'typescript.disableAutomaticTypeAcquisition': true,
  'git.autofetch': false,
  'git.openRepositoryInParentFolders': 'never',
};

export interface HostOptions {
  /** What is installed: a `.vsix`, or the folder of an unpacked extension. */
  extensions?: string[];
  settings?: Record<string, unknown>;
  /** For the server and so for the extension host; the rest of this process's environment is handed down too. */
  env?: Record<string, string | undefined>;
  /** Lets a page drive tests in the extension host; it also hides notifications, so not for looking at. */
  smokeTest?: boolean;
  /** Settings, state and extensions of this VS Code. Absent: a temporary folder, removed at the end. */
  dataDir?: string;
  say?: (line: string) => void;
}

export interface VsCodeHost {
  /** Origin of the server, on loopback; `?folder=/path` opens a folder. */
  url: string;
  /** Where the extensions are unpacked, each in `publisher.name-version`. */
  extensionsDir: string;
  /** Resolves when the server has ended, however that came. */
  ended: Promise<unknown>;
  /** The last words of the server. */
  log(): string;
  /** Ends the server and every process of it. */
  close(): Promise<void>;
}

/** Starts a VS Code server of its own: own settings, own extensions, any number beside each other. */
export async function startVsCode(options: HostOptions = {}): Promise<VsCodeHost> {
  const vscode = await ensureVsCode(options.say);
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'handoff-vscode-')));
  const removeData = async () => {
    if (options.dataDir === undefined)
      await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  const extensionsDir = join(dataDir, 'extensions');
  // Sockets go with the folder where that is short enough for one.
  const sockets = options.dataDir === undefined ? { XDG_RUNTIME_DIR: dataDir } : {};
  const env = { ...process.env, ...sockets, ...options.env };
  try {
    await writeSettings(dataDir, { ...QUIET_SETTINGS, ...options.settings });
    await installExtensions(vscode, dataDir, extensionsDir, options.extensions ?? []);
    const flags = options.smokeTest ? ['--enable-smoke-test-driver'] : [];
    const server = run(vscode, [...folders(dataDir, extensionsDir, vscode), ...SERVE, ...flags], env);
    const url = await listening(server);
    return {
      url,
      extensionsDir,
      ended: server.ended,
      log: server.log,
      close: async () => {
        await endGroup(server.child);
        await removeData();
      },
    };
  } catch (error) {
    await removeData();
    throw error;
  }
}

const SERVE = ['--host', '127.0.0.1', '--port', '0', '--without-connection-token'];

const folders = (dataDir: string, extensionsDir: string, vscode: VsCode) => [
  '--accept-server-license-terms',
  '--disable-telemetry',
  '--server-data-dir',
  dataDir,
  '--extensions-dir',
  extensionsDir,
  '--builtin-extensions-dir',
  vscode.builtinExtensions,
];

async function writeSettings(dataDir: string, settings: Record<string, unknown>): Promise<void> {
  const folder = join(dataDir, 'data/User');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'settings.json'), JSON.stringify(settings, null, 2));
}

/** Folders are put where VS Code finds them at its first start; packages are installed by VS Code itself. */
async function installExtensions(
  vscode: VsCode,
  dataDir: string,
  extensionsDir: string,
  extensions: string[],
): Promise<void> {
  await mkdir(extensionsDir, { recursive: true });
  for (const folder of extensions.filter((path) => !path.endsWith('.vsix'))) {
    const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const { publisher, name, version } = manifest as Record<'publisher' | 'name' | 'version', string>;
    await cp(folder, join(extensionsDir, `${publisher}.${name}-${version}`), { recursive: true });
  }
  const packages = extensions.filter((path) => path.endsWith('.vsix'));
  if (packages.length === 0) return;
  const install = packages.flatMap((path) => ['--install-extension', path]);
  const program = run(vscode, [...folders(dataDir, extensionsDir, vscode), ...install], process.env);
  const how = await program.ended;
  if (how !== 'ended with 0')
    throw new Error(`${packages.join(', ')} could not be installed:\n${program.log()}`);
}

interface Program {
  child: ChildProcess;
  lines: AsyncIterable<string>;
  /** Resolves with how it ended, in words that go after "it". */
  ended: Promise<string>;
  log(): string;
}

/** Of what a server prints, what is kept for a failure, in characters; native modules that npm did not compile fill pages. */
const KEPT_LOG = 4000;

/** In a process group of its own, so that the extension hosts and terminals end with it. */
function run(vscode: VsCode, args: string[], env: Record<string, string | undefined>): Program {
  const child = spawn(vscode.node, [vscode.serverMain, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: env as NodeJS.ProcessEnv,
    detached: true,
  });
  let log = '';
  const keep = (text: string) => (log = (log + text).slice(-KEPT_LOG));
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => keep(`${line}\n`));
  child.stderr.setEncoding('utf8').on('data', keep);
  const ended = once(child, 'exit').then(
    ([code, signal]) => `ended with ${signal ?? code}`,
    (error: unknown) => `did not start: ${String(error)}`,
  );
  return { child, lines, ended, log: () => log };
}

/** VS Code's own tools look for this line too. */
const READY = /^Extension host agent listening on (\d+)$/;

async function listening(server: Program): Promise<string> {
  for await (const line of server.lines) {
    const port = READY.exec(line)?.[1];
    if (port !== undefined) return `http://127.0.0.1:${port}`;
  }
  throw new Error(`The VS Code server ${await server.ended}\n${server.log()}`);
}

/** How long processes may take to end by themselves, in milliseconds. */
const GRACE_MS = 3000;

async function endGroup({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return;
  const signalGroup = (signal: NodeJS.Signals | 0) => {
    try {
      return process.kill(-pid, signal);
    } catch {
      return false;
    }
  };
  signalGroup('SIGTERM');
  for (const deadline = Date.now() + GRACE_MS; signalGroup(0) && Date.now() < deadline; ) await sleep(50);
  signalGroup('SIGKILL');
}
