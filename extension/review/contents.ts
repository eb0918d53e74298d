import { createHash } from 'node:crypto';
import type { RelayClient } from '../../server/protocol/client.ts';
import { compose } from '../../server/protocol/compose.ts';
import { HASH_LENGTH, type Segment, segments } from '../../server/protocol/hunks.ts';
import type { FileChange, FileDecisions } from '../../server/protocol/review.ts';
import { createBlobCache } from './blob-cache.ts';
import { rejectedOf } from './outline.ts';

const CACHE_BYTES = 64 * 1024 * 1024;
/** How many files' differences are kept at hand. */
const KEPT_RUNS = 50;
/** How many contents are asked for at once. */
const BATCH = 200;

/** Both sides of a text, and how they differ. */
export interface Texts {
  base: string;
  proposal: string;
  runs: Segment[];
}

export type Contents = ReturnType<typeof createContents>;

/** The contents of reviewed files, from the relay: the sandbox may be off. */
export function createContents(client: () => Promise<RelayClient>) {
  const read = createBlobCache(CACHE_BYTES);
  const differences = new Map<string, Segment[]>();

  /** A file that is not there is empty. */
  const blob = (taskId: string, oid: string | null): Promise<Uint8Array> =>
    oid === null
      ? Promise.resolve(new Uint8Array())
      : read(oid, async () => (await client()).blob(taskId, oid));

  function runsOf(key: string, base: string, proposal: string): Segment[] {
    const runs = differences.get(key) ?? segments(base, proposal, digest);
    differences.delete(key);
    differences.set(key, runs);
    for (const oldest of differences.keys()) {
      if (differences.size <= KEPT_RUNS) break;
      differences.delete(oldest);
    }
    return runs;
  }

  async function texts(taskId: string, { oldOid, newOid }: FileChange): Promise<Texts> {
    const [base, proposal] = (await Promise.all([blob(taskId, oldOid), blob(taskId, newOid)])).map(textOf);
    if (base === undefined || proposal === undefined)
      throw new Error('the relay calls text what is not UTF-8');
    return { base, proposal, runs: runsOf(`${oldOid}:${newOid}`, base, proposal) };
  }

  /** What the proposal shows of a file: base and all of its changes that were not rejected. */
  async function shown(
    taskId: string,
    file: FileChange,
    decided: readonly FileDecisions[],
  ): Promise<Uint8Array> {
    const rejected = rejectedOf(decided, file.path);
    const isUntouched = !file.hunks.some(({ hash }) => rejected.has(hash));
    const isWhole = file.hunks.length === 0;
    if (isWhole && file.whole !== undefined && rejected.has(file.whole)) return blob(taskId, file.oldOid);
    if (isWhole || isUntouched) return blob(taskId, file.newOid);
    const { runs } = await texts(taskId, file);
    return Buffer.from(compose(runs, keptIn(runs, rejected)));
  }

  /** Asks for the contents of many files by a few requests, before they are needed one by one. */
  function prefetch(taskId: string, files: readonly FileChange[]): void {
    const oids = files.flatMap(({ oldOid, newOid }) => [oldOid, newOid].filter((oid) => oid !== null));
    const missing = [...new Set(oids)].filter((oid) => !read.has(oid));
    for (let start = 0; start < missing.length; start += BATCH) {
      const batch = missing.slice(start, start + BATCH);
      const answer = client().then((relay) => relay.blobs(taskId, batch));
      const found = answer.then(
        ({ blobs }) => new Map(blobs.map(({ oid, content }) => [oid, Buffer.from(content, 'base64')])),
        // Each is then asked for by itself, and says by itself what fails.
        () => new Map<string, Buffer>(),
      );
      for (const oid of batch) {
        const one = async () => (await found).get(oid) ?? (await client()).blob(taskId, oid);
        read(oid, one).catch(() => {});
      }
    }
  }

  return { blob, texts, shown, prefetch };
}

/** The changes that were not rejected. */
export function keptIn(runs: readonly Segment[], rejected: ReadonlySet<string>): Set<string> {
  return new Set(
    runs.flatMap((run) => (run.kind === 'changed' && !rejected.has(run.hash) ? [run.hash] : [])),
  );
}

/** The same as the relay's, or hunks would have other names here. */
export const digest = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);

/** Bytes as text with every mark that is in it; undefined for what is not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
