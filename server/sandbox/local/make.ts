import fs from 'node:fs';
import { SandboxError, type SandboxSpec } from '../sandbox.ts';
import { checkNetwork } from './egress/policy.ts';
import { placeAt, type SandboxPlace } from './layout.ts';
import { type Meta, metaOf, writeMeta } from './meta.ts';
import type { Workshop } from './prepare.ts';
import { existingLayers, fillFrom, makeFiles } from './snapshots.ts';

/** @throws SandboxError `unavailable` for what local sandboxes cannot be, `failed` for what makes no sense */
export function checkSpec({ image, network, from }: SandboxSpec): void {
  if (image !== undefined) {
    throw new SandboxError('unavailable', `Local sandboxes have no images, and ${image} was asked for.`, {
      nextAction: 'Leave the image out, or use HANDOFF_SANDBOX=container or HANDOFF_SANDBOX=daytona.',
    });
  }
  checkNetwork(network);
  if (from !== undefined && from.provider !== 'local') {
    throw new SandboxError('not-found', `A snapshot at ${from.provider} is of no use to local sandboxes.`, {
      nextAction: 'Make the sandbox without it.',
    });
  }
}

/**
 * The folders of a sandbox, whole or not at all. Where another relay was faster, that one's are kept.
 * @throws SandboxError `not-found` where its snapshot is not there
 */
export async function makeSandbox(
  shop: Workshop,
  at: SandboxPlace,
  spec: SandboxSpec,
  overlays: () => Promise<boolean>,
): Promise<void> {
  const { layout, user } = shop;
  const making = placeAt(at.id, `${layout.trash}/new.${at.id}.${process.hrtime.bigint()}`);
  fs.mkdirSync(making.root, { mode: 0o711 });
  fs.chmodSync(making.root, 0o711);
  try {
    fs.mkdirSync(making.state, { mode: 0o700 });
    if (user.dropped) fs.chownSync(making.state, user.uid, user.gid);
    fs.writeFileSync(making.lock, '');
    let files: Pick<Meta, 'upper' | 'layers'> = { layers: [] };
    if (spec.from === undefined) makeFiles(shop, making.root);
    else files = await fillFrom(shop, making.root, existingLayers(layout, spec.from.id), await overlays());
    writeMeta(making, metaOf(spec, files));
    // Now that its layers are named here they stay, if they were still there.
    if (spec.from !== undefined) existingLayers(layout, spec.from.id);
    fs.renameSync(making.root, at.root);
  } catch (error) {
    // Rubbish from now on, not only when it is old.
    fs.renameSync(making.root, `${layout.trash}/failed.${at.id}.${process.hrtime.bigint()}`);
    if (!isOccupied(error)) throw error;
  }
}

/** Whether a folder could not be moved because there is one. */
function isOccupied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
}
