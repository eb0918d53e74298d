import { AppError } from '../errors.ts';
import { GitError } from './git.ts';
import { readBlobs, TooMuch } from './objects.ts';
import { assertOid, type RepoDeps, repoPath } from './repository.ts';

/** As much as one answer carries: the contents of a large review are a few of these. */
const MAX_BYTES = 16 * 2 ** 20;

/**
 * Files' contents with one process, in the order asked for, as many as one answer carries; the others are asked for again, or by
 * themselves. Throws `not_found` where one of them is none.
 */
export async function readManyBlobs(
  deps: RepoDeps,
  taskId: string,
  oids: readonly string[],
): Promise<Map<string, Uint8Array>> {
  const blobs = new Map<string, Uint8Array>();
  const wanted = [...new Set(oids)].map(assertOid);
  try {
    await readBlobs(deps.git, repoPath(deps, taskId), wanted, (oid, data) => blobs.set(oid, data), {
      maxBytes: MAX_BYTES,
    });
  } catch (cause) {
    if (cause instanceof GitError && cause.cause instanceof TooMuch) return blobs;
    throw new AppError('not_found', 'The task has not all of these contents.', {
      cause,
      nextAction: 'Load the changes again; the agent may have gone on.',
    });
  }
  return blobs;
}
