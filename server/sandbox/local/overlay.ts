import fs from 'node:fs';
import { relative } from 'node:path';
import { INSIDE } from '../supervised/places.ts';
import { newLayerId } from './layers.ts';
import { filesAt, type SandboxPlace } from './layout.ts';
import type { Meta } from './meta.ts';
import type { Overlay } from './mounts.ts';
import type { Workshop } from './prepare.ts';
import { findLeaks, LOOKING, trial } from './probe.ts';
import { emptyTrash } from './remove.ts';

/** Changes, renames, removes and replaces what is in a lower layer, and goes on to its parameters if all of that was seen to happen. */
const OVERLAY_TRIAL = `
set -e
cd /workspace
echo upper >>file
[ "$(cat file)" = "$(printf 'lower\nupper')" ]
mv folder renamed
[ "$(cat renamed/in-it)" = lower ]
mkdir folder
[ -z "$(ls -A folder)" ]
rm other
[ ! -e other ]
exec "$@"
`;

/** How old, in milliseconds, the kernel's folder of an earlier start must be to be none of a start of this moment, by another relay. */
const EARLIER = 60_000;

/** The mount that makes one folder of a sandbox's layers, for one start. Undefined where it has none but the one that it writes to. */
export function overlayOf(
  { host, layout }: Pick<Workshop, 'host' | 'layout'>,
  { id, root }: SandboxPlace,
  { upper, layers }: Pick<Meta, 'upper' | 'layers'>,
): Overlay | undefined {
  if (upper === undefined || layers.length === 0) return undefined;
  const folder = `${root}/${upper}.work`;
  for (const name of fs.readdirSync(folder)) {
    const { mtimeMs } = fs.statSync(`${folder}/${name}`);
    if (Date.now() - mtimeMs > EARLIER) fs.renameSync(`${folder}/${name}`, `${layout.trash}/work.${name}`);
  }
  const work = newLayerId();
  fs.mkdirSync(`${folder}/${work}`);
  return overlay(host.setpriv !== undefined, {
    lower: layers.map((layer) => `.layers/${layer}`),
    upper: `${id}/${upper}`,
    work: `${id}/${upper}.work/${work}`,
  });
}

/**
 * Mounted on its own writable folder, so that it is found at the same place as without layers. As root, folders from below can be
 * renamed, which takes attributes that only root can write and thus forge; else that fails with EXDEV, and tools copy.
 *
 * `volatile`: else ending a sandbox would wait until all that anybody has written to that disk is on it. The kernel refuses such a
 * `work` a second time, so each start has its own.
 */
export function overlay(
  asRoot: boolean,
  { lower, upper, work }: { lower: string[]; upper: string; work: string },
): Overlay {
  const flavour = asRoot ? 'redirect_dir=on' : 'userxattr';
  return {
    options: `lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work},volatile,${flavour}`,
    at: upper,
  };
}

/**
 * Whether this machine lays folders upon each other, and as sandboxes need it: tried in a sandbox, where it must confine as well.
 */
export async function verifyOverlay(workshop: Workshop): Promise<boolean> {
  const { layout, host, user } = workshop;
  if (host.mounting === undefined) return false;
  const root = `${layout.trash}/new.overlay.${newLayerId()}`;
  const [lower, upper, work] = [`${root}/lower`, `${root}/upper`, `${root}/work`];
  for (const folder of [root, lower, upper, work]) makeFolder(folder);
  const own = (path: string): void => (user.dropped ? fs.chownSync(path, user.uid, user.gid) : undefined);
  try {
    for (const { workspace } of [lower, upper].map(filesAt)) {
      fs.mkdirSync(workspace, { mode: 0o700 });
      own(workspace);
    }
    for (const path of ['file', 'other', 'folder', 'folder/in-it'].map(
      (name) => `${lower}/workspace/${name}`,
    )) {
      if (path.endsWith('folder')) fs.mkdirSync(path);
      else fs.writeFileSync(path, 'lower\n');
      own(path);
    }
    const layers = overlay(user.dropped, {
      lower: [relative(layout.sandboxes, lower)],
      upper: relative(layout.sandboxes, upper),
      work: relative(layout.sandboxes, work),
    });
    const folders = [{ from: `${upper}/workspace`, to: INSIDE.workspace }];
    const inside = ['/bin/sh', '-c', OVERLAY_TRIAL, 'sh', ...LOOKING];
    const { code, output } = await trial(workshop, workshop.command(inside, folders, layers));
    return (
      code === 0 &&
      findLeaks(output).length === 0 &&
      fs.readFileSync(`${lower}/workspace/file`, 'utf8') === 'lower\n'
    );
  } finally {
    // What the kernel made in it can be closed even to its owner.
    fs.renameSync(root, `${layout.trash}/overlay.${newLayerId()}`);
    await emptyTrash(layout.trash);
  }
}

function makeFolder(path: string): void {
  fs.mkdirSync(path, { mode: 0o711 });
  fs.chmodSync(path, 0o711);
}
