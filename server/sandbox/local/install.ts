import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { SandboxError } from '../sandbox.ts';
import type { Layout } from './layout.ts';
import { putFile } from './put-file.ts';
import { type FilterArch, seccompFilter } from './seccomp.ts';
import { isOpenToAll } from './tools.ts';
import type { HostUser } from './user.ts';

/** What every sandbox is started with: host paths that its user can read. */
export interface Runtime {
  node: string;
  supervisor: string;
  seccomp: string;
  /** Files of /etc by name. */
  etc: Record<string, string>;
}

/** The sandbox' own users; the host's are none of its business. */
const ETC: Record<string, string> = {
  passwd: 'root:x:0:0:root:/nonexistent:/bin/false\nagent:x:1000:1000:agent:/home/agent:/bin/bash\n',
  group: 'root:x:0:\nagent:x:1000:\n',
  hosts: '127.0.0.1 localhost sandbox\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
};

/**
 * Puts in place what sandboxes are started with. Files are named by their content and never change, so that a running
 * sandbox is not touched by a newer relay.
 */
export function installRuntime(
  layout: Layout,
  options: { arch: FilterArch; nodePath: string; supervisorPath: string; user: HostUser },
): Runtime {
  const etc = Object.entries(ETC).map(
    ([name, text]) => [name, place(layout, name, Buffer.from(text))] as const,
  );
  return {
    node: readableNode(layout, fs.realpathSync(options.nodePath), options.user),
    supervisor: place(layout, 'supervisor.mjs', readBundle(options.supervisorPath)),
    seccomp: place(layout, 'seccomp.bpf', seccompFilter(options.arch)),
    etc: Object.fromEntries(etc),
  };
}

function readBundle(path: string): Buffer {
  try {
    return fs.readFileSync(path);
  } catch (cause) {
    const message = `The program that runs inside sandboxes cannot be read: ${path}`;
    throw new SandboxError('unavailable', message, { cause, nextAction: 'npm run build' });
  }
}

function place(layout: Layout, name: string, content: Buffer): string {
  const path = `${layout.runtime}/${createHash('sha256').update(content).digest('hex').slice(0, 12)}-${name}`;
  if (!fs.existsSync(path)) putFile(path, (temporary) => fs.writeFileSync(temporary, content), 0o644);
  return path;
}

/** Node itself if the sandbox' user can run it where it is; else a copy (on most file systems one that shares its blocks). */
function readableNode(layout: Layout, node: string, user: HostUser): string {
  if (!user.dropped || isOpenToAll(node, 0o005)) return node;
  const { size, mtimeMs } = fs.statSync(node);
  const path = `${layout.runtime}/${size}-${Math.round(mtimeMs)}-node`;
  if (fs.existsSync(path)) return path;
  putFile(path, (temporary) => fs.copyFileSync(node, temporary, fs.constants.COPYFILE_FICLONE), 0o755);
  return path;
}
