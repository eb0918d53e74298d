import path from 'node:path';

/** The program that runs the relay, and what its environment needs on top. */
export interface NodeProgram {
  path: string;
  env: Record<string, string>;
}

export interface NodeFacts {
  /** The setting `handoff.nodePath`; empty where not set. */
  setting: string;
  extensionDir: string;
  /** Where the native pieces were installed to, which include a Node where npm has one. */
  runtimeDir: string;
  env: Record<string, string | undefined>;
  execPath: string;
  /** Of `execPath`, such as `22.15.0`. */
  version: string;
  platform: string;
  arch: string;
  exists: (path: string) => boolean;
}

/** The oldest Node that the relay runs on. */
export const MIN_NODE_MAJOR = 22;

/**
 * In order: what the person set, the clone's own, `HANDOFF_NODE`, the editor's where it is new enough, the installed runtime's.
 * Nothing where none of them is there.
 */
export function chooseNode(facts: NodeFacts): NodeProgram | undefined {
  const { setting, extensionDir, runtimeDir, env, execPath, version, exists } = facts;
  if (setting !== '') return { path: setting, env: {} };
  const ofClone = packagedNode(extensionDir, facts);
  if (exists(ofClone)) return { path: ofClone, env: {} };
  if (env.HANDOFF_NODE) return { path: env.HANDOFF_NODE, env: {} };
  if (Number.parseInt(version, 10) >= MIN_NODE_MAJOR)
    return { path: execPath, env: { ELECTRON_RUN_AS_NODE: '1' } };
  const installed = packagedNode(runtimeDir, facts);
  return exists(installed) ? { path: installed, env: {} } : undefined;
}

/** The npm package that carries Node for this machine. */
export function nodePackage({ platform, arch }: { platform: string; arch: string }): string {
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
}

function packagedNode(dir: string, machine: { platform: string; arch: string }): string {
  const program = machine.platform === 'win32' ? 'node.exe' : 'node';
  return path.join(dir, 'node_modules', nodePackage(machine), 'bin', program);
}
