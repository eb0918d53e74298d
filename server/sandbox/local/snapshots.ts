import fs from 'node:fs';
import { SandboxError } from '../sandbox.ts';
import { copyFiles, copyMerged } from './copy.ts';
import { claim, layersOf, newLayerId } from './layers.ts';
import { type Files, filesAt, type Layout, type SandboxPlace } from './layout.ts';
import { filesOf, type Meta, settle, writeMeta } from './meta.ts';
import type { Workshop } from './prepare.ts';

/** More than this are made one by copying: each is looked through for every file that is not in those above it. */
const MAX_LAYERS = 8;

/**
 * Makes what a sandbox has written so far a layer that nobody writes to, below the sandbox and the snapshot alike, and gives the
 * sandbox an empty one on top: no file is touched, however many there are. Its files do not change by it, not even their times and
 * inode numbers. The sandbox sleeps, and its lock is held. A crash in between leaves it as it was or as it will be (`settle`).
 * @param overlays false: the kernel lays no folders upon each other here, so all is copied
 */
export async function takeSnapshot(
  shop: Workshop,
  at: SandboxPlace,
  meta: Meta,
  name: string,
  overlays: boolean,
): Promise<void> {
  const { layout } = shop;
  settle(layout, at, meta);
  if (!overlays) {
    const files = filesAlone(at, meta);
    const { layer, place } = await newLayer(layout, (making) => copyFiles(files, making));
    publish(layout, name, [layer], place);
    return;
  }
  const { upper: full = newLayerId(), ...rest } = meta;
  if (meta.upper === undefined) {
    makeFolder(`${at.root}/${full}`);
    writeMeta(at, { ...rest, upper: full });
    settle(layout, at, { ...rest, upper: full });
  }
  const layers = [full, ...meta.layers];
  const upper = newLayerId();
  makeUpper(shop, at.root, upper);
  if (layers.length <= MAX_LAYERS) {
    publish(layout, name, layers, () => {
      writeMeta(at, { ...rest, upper, layers });
      settle(layout, at, { ...rest, upper, layers });
    });
    return;
  }
  writeMeta(at, { ...rest, upper, layers });
  settle(layout, at, { ...rest, upper, layers });
  const { layer, place } = await newLayer(layout, (making) => copyMerged(shop, layers, making));
  publish(layout, name, [layer], () => {
    place();
    writeMeta(at, { ...rest, upper, layers: [layer] });
  });
}

/**
 * Fills the folder of a sandbox that is being made from a snapshot. @returns what its meta must say, which is written down before
 * anybody trusts it: see `discardUnnamedLayers`
 */
export async function fillFrom(
  shop: Workshop,
  root: string,
  layers: string[],
  overlays: boolean,
): Promise<Pick<Meta, 'upper' | 'layers'>> {
  if (overlays) {
    const upper = newLayerId();
    makeUpper(shop, root, upper);
    return { upper, layers };
  }
  const [only, ...more] = layers;
  if (only === undefined || more.length > 0) throw noOverlay();
  await copyFiles(filesAt(`${shop.layout.layers}/${only}`), root);
  return { layers: [] };
}

/** @throws SandboxError `not-found` */
export function existingLayers(layout: Layout, name: string): string[] {
  const layers = layersOf(layout, name);
  if (layers !== undefined) return layers;
  throw new SandboxError('not-found', `There is no snapshot ${name}.`, {
    nextAction: 'Make the sandbox without it.',
  });
}

/** The layers are named from before they are in their places until they are named for good. */
function publish(layout: Layout, name: string, layers: string[], place: () => void): void {
  const made = claim(layout, name, layers);
  try {
    place();
    made.publish();
  } finally {
    made.end();
  }
}

/** Puts a layer together; `place` gets it to where layers are, whole. */
async function newLayer(
  layout: Layout,
  fill: (path: string) => Promise<void>,
): Promise<{ layer: string; place: () => void }> {
  const layer = newLayerId();
  const making = `${layout.trash}/new.layer.${layer}`;
  makeFolder(making);
  try {
    await fill(making);
  } catch (error) {
    fs.renameSync(making, `${layout.trash}/layer.${layer}`);
    throw error;
  }
  return { layer, place: () => fs.renameSync(making, `${layout.layers}/${layer}`) };
}

/** An empty folder for a sandbox to write to, and the one beside it for what the kernel needs. */
function makeUpper(shop: Workshop, root: string, upper: string): void {
  makeFolder(`${root}/${upper}.work`);
  makeFolder(`${root}/${upper}`);
  makeFiles(shop, `${root}/${upper}`);
}

/** The folders that a sandbox sees, empty, its own. */
export function makeFiles({ user }: Pick<Workshop, 'user'>, root: string): void {
  const { workspace, home, scratch } = filesAt(root);
  for (const folder of [workspace, home, scratch]) {
    fs.mkdirSync(folder, { mode: 0o700 });
    if (user.dropped) fs.chownSync(folder, user.uid, user.gid);
  }
}

/** A folder that others may pass, for the sandbox' user has to; the umask notwithstanding. */
function makeFolder(path: string): void {
  fs.mkdirSync(path, { mode: 0o711 });
  fs.chmodSync(path, 0o711);
}

/** The files of a sandbox that has no layers below. */
function filesAlone(at: SandboxPlace, meta: Meta): Files {
  if (meta.layers.length > 0) throw noOverlay();
  return filesOf(at, meta);
}

function noOverlay(): SandboxError {
  return new SandboxError('unavailable', 'This machine no longer lets layers of files be mounted.', {
    nextAction: 'Run "handoff doctor"; other sandboxes are not affected.',
  });
}
