import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { isBranchName } from './branch.ts';
import { isBaseOf } from './identity.ts';
import { assertOid, BASE_REF, type RepoDeps, readRef, repoPath, treeOf } from './repository.ts';
import { MOVE_SCRIPT, SCRIPT_ENV } from './sandbox-scripts.ts';
import { CHECKOUT_LIMIT_MS, scriptFailure } from './workspace.ts';

/** It passes through memory on its way into the sandbox. */
const PACK_LIMIT = 2 ** 30;

/**
 * Brings a workspace that was filled for another task of the same repository to this task's base, sending only what is new; what is
 * neither the base's nor ignored there is removed. Repeatable: once it is done, it changes nothing, whatever the agent has written since.
 * @param from the base that the machine was filled with
 * @param prebuiltId the prebuild, or task, whose repository here has the base that the machine has; where there is none, all is sent
 */
export async function moveInto(
  deps: RepoDeps,
  sandbox: Sandbox,
  input: {
    taskId: string;
    from: string;
    prebuiltId: string | undefined;
    branch: string;
    headTree: string | undefined;
  },
  signal?: AbortSignal,
): Promise<void> {
  const { taskId, from, branch, headTree } = input;
  if (!isBranchName(branch)) throw new Error(`not a branch name: ${JSON.stringify(branch)}`);
  const repo = repoPath(deps, taskId);
  const to = assertOid((await readRef(repo, BASE_REF)) ?? '');
  await sandbox.killAll('checkout:');
  const pack = `move-${randomUUID()}.pack`;
  await sandbox.putScratch(pack, await packOfNews(deps, input, to, signal));
  const result = await sandbox.exec(
    {
      execId: `checkout:${randomUUID()}`,
      argv: [
        ...['sh', '-c', MOVE_SCRIPT, 'handoff', sandbox.workdir, sandbox.scratchdir],
        ...[pack, taskId, branch, headTree === undefined ? '' : assertOid(headTree), assertOid(from), to],
      ],
      cwd: '/',
      env: SCRIPT_ENV,
      timeoutMs: CHECKOUT_LIMIT_MS,
      maxOutputBytes: 16 * 1024,
    },
    signal === undefined ? {} : { signal },
  );
  signal?.throwIfAborted();
  if (result.exitCode !== 0)
    throw scriptFailure('The workspace could not be brought to the task’s base.', result);
}

/** What the task's base and proposal have that the machine does not. By trees, for the commits have no history in common. */
async function packOfNews(
  deps: RepoDeps,
  { taskId, prebuiltId, from, headTree }: Parameters<typeof moveInto>[2],
  to: string,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const there = prebuiltId === undefined ? undefined : repoPath(deps, prebuiltId);
  const isKnown = prebuiltId !== undefined && (await isBaseOf(deps, prebuiltId, from));
  const known = isKnown ? `^${await treeOf(deps, prebuiltId, from)}\n` : '';
  return deps.git(['pack-objects', '--quiet', '--revs', '--thin', '--stdout', '--delta-base-offset'], {
    repo: repoPath(deps, taskId),
    stdin: Buffer.from(`${to}\n${headTree === undefined ? '' : `${assertOid(headTree)}\n`}${known}`),
    ...(isKnown && there
      ? { env: { GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(path.join(there, 'objects')) } }
      : {}),
    maxOutputBytes: PACK_LIMIT,
    signal,
  });
}

/** A path with a colon in it would be two. */
const quoted = (folder: string): string => JSON.stringify(folder);
