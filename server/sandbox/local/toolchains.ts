import fs from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { type Sandbox, SandboxError } from '../sandbox.ts';
import { INSIDE } from '../supervised/places.ts';
import type { Bind } from './mounts.ts';
import { isOpenToAll } from './tools.ts';
import type { HostUser } from './user.ts';

/** Where people and programs keep what proves who they are. */
const SECRET =
  /^(\.(ssh|aws|azure|gnupg|config|docker|kube|npmrc|netrc|pypirc|git-credentials|pgpass|gem|m2)|credentials(\.toml)?)$/;
/** How deep a folder is searched for such names. A toolchain's own `share` may have anything further down. */
const DEPTH = 2;
/** What a sandbox has of its own. */
const TAKEN = ['/proc', '/sys', '/dev', '/etc', '/run', INSIDE.workspace, INSIDE.home, INSIDE.scratch];
const OURS = '/opt/handoff';

/**
 * The canonical paths of folders that the relay's owner wants sandboxes to read. This is the last look before a sandbox sees all
 * of it, so each must be a folder of root's or of the relay's user, must not hold (or lie in) what looks like credentials, as far as
 * its upper two levels tell, nor the home folder, the data folder, or what a sandbox has of its own.
 * @throws SandboxError `unavailable`
 */
export function checkedToolchains(options: { readOnly?: string[]; dataDir: string }): string[] {
  const { readOnly = [], dataDir } = options;
  return readOnly.map((path) => {
    const refuse = (why: string): SandboxError =>
      new SandboxError('unavailable', `Sandboxes cannot be shown ${path}: ${why}.`, {
        nextAction: 'Name the folder of one toolchain, such as ~/.nvm/versions/node/v24.0.0 or ~/.cargo/bin.',
      });
    const real = realFolder(path);
    if (real === undefined) throw refuse('it is not a folder');
    const owner = fs.statSync(real).uid;
    if (owner !== 0 && owner !== process.getuid?.()) throw refuse('it belongs to another user');
    const inIt = [homedir(), dataDir].find((sacred) => isWithin(realPath(sacred), real));
    if (inIt !== undefined) throw refuse(`${inIt} is in it`);
    if (isWithin(real, realPath(dataDir))) throw refuse('it is part of the data folder');
    const taken = [...TAKEN, OURS].find((place) => isWithin(real, place) || isWithin(place, real));
    if (taken !== undefined) throw refuse(`a sandbox has its own ${taken}`);
    const secret = real.split('/').find((name) => SECRET.test(name)) ?? secretIn(real, DEPTH);
    if (secret !== undefined) throw refuse(`${secret} may hold credentials`);
    return real;
  });
}

/**
 * How a sandbox' user gets to toolchains: where they cannot pass, by a mount in `folder`, that is made with `binds`.
 */
export function reachable(paths: string[], user: HostUser, folder: string): { shown: Bind[]; binds: Bind[] } {
  const each = paths.map((path, index) => {
    if (!user.dropped || isOpenToAll(path, 0o005)) return { from: path, to: path };
    const from = `${folder}/${index}`;
    fs.mkdirSync(from, { recursive: true, mode: 0o755 });
    return { from, to: path };
  });
  return {
    shown: each,
    binds: each.flatMap(({ from, to }) => (from === to ? [] : [{ from: to, to: from }])),
  };
}

/** The sandbox with the `bin` of each toolchain first on the PATH of its commands. */
export function withToolchains(sandbox: Sandbox, toolchains: readonly string[]): Sandbox {
  if (toolchains.length === 0) return sandbox;
  const bins = toolchains.map((path) => (basename(path) === 'bin' ? path : join(path, 'bin')));
  const PATH = [...bins, INSIDE.path].join(':');
  return {
    ...sandbox,
    exec: (request, options) => sandbox.exec({ ...request, env: { PATH, ...request.env } }, options),
  };
}

function realFolder(path: string): string | undefined {
  try {
    const real = fs.realpathSync(path);
    return fs.statSync(real).isDirectory() ? real : undefined;
  } catch {
    return undefined;
  }
}

/** As far as it exists. */
function realPath(path: string): string {
  return realFolder(path) ?? resolve(path);
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** The first path with such a name below a folder, so many levels deep. */
function secretIn(folder: string, depth: number): string | undefined {
  const entries = fs.readdirSync(folder, { withFileTypes: true });
  const found = entries.find(({ name }) => SECRET.test(name));
  if (found !== undefined) return join(folder, found.name);
  if (depth <= 1) return undefined;
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const deeper = secretIn(join(folder, entry.name), depth - 1);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
