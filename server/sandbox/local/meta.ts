import fs from 'node:fs';
import * as z from 'zod';
import type { SandboxSpec } from '../sandbox.ts';
import { type Files, filesAt, type Layout, type SandboxPlace } from './layout.ts';
import { putText } from './put-file.ts';

const positive = z.number().positive();
const Forwards = z
  .array(z.object({ port: z.number().int(), to: z.object({ host: z.string(), port: z.number().int() }) }))
  .exactOptional();
const Network = z.discriminatedUnion('mode', [
  z.object({ mode: z.literal('none'), forwards: Forwards }),
  z.object({ mode: z.literal('allow-list'), domains: z.array(z.string()), forwards: Forwards }),
  z.object({ mode: z.literal('open') }),
]);
const Ref = z.object({ provider: z.string(), id: z.string() });
/** Becomes a part of a path. */
export const LayerId = z.string().regex(/^[0-9a-f]{16}$/);

const Meta = z.object({
  taskId: z.string(),
  resources: z
    .object({
      cpus: positive.exactOptional(),
      memoryMiB: positive.exactOptional(),
      diskMiB: positive.exactOptional(),
    })
    .exactOptional(),
  network: Network.exactOptional(),
  from: Ref.exactOptional(),
  /** Where it writes: the layer that this will be. Absent while it never was a snapshot: right below its root. */
  upper: LayerId.exactOptional(),
  /** What its files lie upon, the uppermost first. */
  layers: z.array(LayerId).default([]),
});

/** What a sandbox was created as, and what its files are made of. */
export type Meta = z.infer<typeof Meta>;

/** As asked for. @param layers what its files lie upon, and `upper`, where those are not none */
export function metaOf(spec: SandboxSpec, files: Pick<Meta, 'upper' | 'layers'>): Meta {
  const { taskId, resources, network, from } = spec;
  return {
    taskId,
    ...(resources === undefined ? {} : { resources }),
    ...(network === undefined ? {} : { network }),
    ...(from === undefined ? {} : { from }),
    ...files,
  };
}

/** Undefined where there is none, or none that makes sense. */
export function readMeta({ meta }: Pick<SandboxPlace, 'meta'>): Meta | undefined {
  try {
    return Meta.parse(JSON.parse(fs.readFileSync(meta, 'utf8')));
  } catch {
    return undefined;
  }
}

/** In one step: whoever reads it meanwhile, or after a crash, reads the old one or the new one. */
export function writeMeta({ meta }: SandboxPlace, content: Meta): void {
  putText(meta, JSON.stringify(content));
}

/** The folders that a sandbox writes to. */
export function filesOf(at: SandboxPlace, { upper }: Pick<Meta, 'upper'>): Files {
  return filesAt(upper === undefined ? at.root : `${at.root}/${upper}`);
}

/**
 * Ends the moves that a snapshot began and a crash may have cut off: what `meta` says decides where things belong. Changes nothing
 * that is in its place.
 */
export function settle(layout: Layout, at: SandboxPlace, { upper, layers }: Meta): void {
  for (const layer of layers) {
    moveIfThere(`${at.root}/${layer}`, `${layout.layers}/${layer}`);
    moveIfThere(`${at.root}/${layer}.work`, `${layout.trash}/work.${layer}`);
  }
  if (upper === undefined) return;
  // A sandbox that becomes a snapshot for the first time.
  const [before, after] = [filesAt(at.root), filesAt(`${at.root}/${upper}`)];
  for (const name of ['workspace', 'home', 'scratch'] as const) moveIfThere(before[name], after[name]);
}

function moveIfThere(from: string, to: string): void {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/** Whether a path that was asked for is not there. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Whether all of a sandbox is there, also in the middle of a snapshot. */
export function isWhole(layout: Layout, at: SandboxPlace, meta: Meta): boolean {
  const either = (...paths: string[]): boolean => paths.some((path) => fs.existsSync(path));
  const [before, now] = [filesAt(at.root), filesOf(at, meta)];
  return (
    fs.existsSync(at.state) &&
    (['workspace', 'home', 'scratch'] as const).every((name) => either(now[name], before[name])) &&
    meta.layers.every((layer) => either(`${layout.layers}/${layer}`, `${at.root}/${layer}`))
  );
}
