import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import * as z from 'zod';
import { SandboxError } from '../sandbox.ts';
import { isSandboxId, type Layout, placeAt } from './layout.ts';
import { isAbsent, LayerId, readMeta } from './meta.ts';
import { ABANDONED } from './remove.ts';

/**
 * Layers are folders that nobody writes to any more; sandboxes and snapshots are made of them, and name them in their files. One
 * that no file names is rubbish. There is no other book of them, so no crash can make one wrong.
 */

const SnapshotFile = z.object({ layers: z.array(LayerId).min(1) });

/** Snapshots are named by their callers, and the name becomes a part of a path. */
const SNAPSHOT_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

export const newLayerId = (): string => randomBytes(8).toString('hex');

/** @throws SandboxError `not-found` for what cannot be a snapshot's name */
export function snapshotFile(layout: Layout, name: string): string {
  if (!SNAPSHOT_NAME.test(name)) {
    throw new SandboxError('not-found', `${JSON.stringify(name)} cannot name a snapshot.`, {
      nextAction: 'Use 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit.',
    });
  }
  return `${layout.snapshots}/${name}`;
}

/** The layers of a snapshot, the uppermost first; undefined where there is no such snapshot. */
export function layersOf(layout: Layout, name: string): string[] | undefined {
  return readLayers(snapshotFile(layout, name));
}

function readLayers(file: string): string[] | undefined {
  try {
    return SnapshotFile.parse(JSON.parse(fs.readFileSync(file, 'utf8'))).layers;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new SandboxError('failed', 'The record of a snapshot cannot be read.', { cause: error });
  }
}

/** A snapshot in the making: its layers are kept from now on, and it can be made from once it is published. */
export interface Claim {
  /** False where somebody else published one of that name first. */
  publish(): boolean;
  /** Also after `publish`. */
  end(): void;
}

export function claim(layout: Layout, name: string, layers: string[]): Claim {
  const final = snapshotFile(layout, name);
  const file = `${layout.snapshots}/.${name}.${newLayerId()}`;
  fs.writeFileSync(file, JSON.stringify({ layers }));
  return {
    publish() {
      try {
        fs.linkSync(file, final);
        return true;
      } catch (error) {
        if (fs.existsSync(final)) return false;
        throw error;
      }
    },
    end: () => fs.rmSync(file, { force: true }),
  };
}

/**
 * Moves the layers that nothing names to the trash. A name is only ever handed on: a snapshot's to a sandbox that is being made, which
 * writes it down and then looks whether the snapshot is still there, or a sandbox's to its snapshot. So what neither of two looks
 * in a row finds, each in the order in which names are handed on, can never be named again.
 */
export function discardUnnamedLayers(layout: Layout): void {
  if (!fs.existsSync(layout.layers)) return;
  const unnamed = (): string[] => {
    const named = namedLayers(layout);
    return named === undefined ? [] : fs.readdirSync(layout.layers).filter((layer) => !named.has(layer));
  };
  const candidates = new Set(unnamed());
  if (candidates.size === 0) return;
  for (const layer of unnamed().filter((id) => candidates.has(id))) {
    fs.mkdirSync(layout.trash, { recursive: true });
    try {
      fs.renameSync(`${layout.layers}/${layer}`, `${layout.trash}/layer.${layer}`);
    } catch (error) {
      if (!isAbsent(error)) throw error; // Another relay was faster.
    }
  }
}

/** Undefined where a file cannot be read: it may be one that is being written, or be mended, and then needs them. */
function namedLayers(layout: Layout): Set<string> | undefined {
  const named = new Set<string>();
  const add = (layers: string[] | undefined): void => {
    for (const layer of layers ?? []) named.add(layer);
  };
  for (const name of fs.readdirSync(layout.snapshots)) {
    const file = `${layout.snapshots}/${name}`;
    if (isAbandoned(layout, name)) {
      fs.rmSync(file, { force: true });
      continue;
    }
    try {
      add(readLayers(file));
    } catch {
      return undefined;
    }
  }
  const places = [
    ...fs
      .readdirSync(layout.trash)
      .flatMap((name) => (name.startsWith('new.') ? [`${layout.trash}/${name}`] : [])),
    ...fs
      .readdirSync(layout.sandboxes)
      .flatMap((id) => (isSandboxId(id) ? [`${layout.sandboxes}/${id}`] : [])),
  ];
  for (const root of places) {
    const place = placeAt('', root);
    const meta = readMeta(place);
    if (meta === undefined && fs.existsSync(place.meta)) return undefined;
    add(meta?.layers);
  }
  return named;
}

/** Whether it is the claim of a relay that died over it. */
function isAbandoned(layout: Layout, name: string): boolean {
  if (!name.startsWith('.')) return false;
  const stat = fs.statSync(`${layout.snapshots}/${name}`, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > ABANDONED;
}
