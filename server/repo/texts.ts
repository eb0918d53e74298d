import { type Git, GitError } from './git.ts';
import { readLoose } from './loose.ts';
import { readBlobs, TooMuch } from './objects.ts';
import { decodeUtf8 } from './raw-changes.ts';
import type { Recent } from './recent.ts';

/** A larger file is decided whole, without hunks, as a binary one is. */
export const MAX_TEXT_BYTES = 5 * 2 ** 20;

/** Texts by the names of their blobs; undefined for what is not text. */
export type Texts = Map<string, string | undefined>;

/** Up to here, opening the files costs less than starting Git. */
const FEW = 16;
/** How much text is asked of Git without looking at sizes before, which would be one more process. */
const AT_ONCE_BYTES = 4 * 2 ** 20;

/** A file's text; undefined for what is not: large, with a NUL byte, or not UTF-8. A byte order mark is part of the text. */
export function textOf(data: Buffer): string | undefined {
  return data.length > MAX_TEXT_BYTES || data.includes(0) ? undefined : decodeUtf8(data);
}

/**
 * Texts of blobs with one process, or none: those of `recent` are known, and a few that a capture has just brought are files.
 * @returns undefined where they may be too much to be held together: sizes have to be looked at first
 */
export async function readTogether(
  git: Git,
  repo: string,
  oids: ReadonlySet<string>,
  { recent, signal }: { recent?: Recent<string> | undefined; signal?: AbortSignal | undefined },
): Promise<Texts | undefined> {
  const texts: Texts = new Map();
  for (const oid of oids) {
    const known = recent?.get(oid);
    if (known !== undefined) texts.set(oid, known);
  }
  const missing = () => [...oids].filter((oid) => !texts.has(oid));
  if (oids.size - texts.size <= FEW) {
    await Promise.all(
      missing().map(async (oid) => {
        const object = await readLoose(repo, oid);
        if (object?.type === 'blob') texts.set(oid, textOf(object.data));
      }),
    );
  }
  try {
    await readBlobs(git, repo, missing(), (oid, data) => texts.set(oid, textOf(data)), {
      maxBytes: AT_ONCE_BYTES,
      signal,
    });
    return texts;
  } catch (error) {
    if (error instanceof GitError && error.cause instanceof TooMuch) return undefined;
    throw error;
  }
}
