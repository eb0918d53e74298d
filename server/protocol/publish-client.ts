import type { Asking } from './asking.ts';
import type { OpenPullRequest } from './commands.ts';
import { type AskPreflight, COMMIT_HEADER, type MakeCommits, Preflight } from './publish.ts';
import { Publish } from './task.ts';

/** For what moves packs over a network, in milliseconds. */
const TRANSFER_MS = 300_000;
/** A large proposal is read through, and the remote has its time to answer. */
const LOOK_MS = 60_000;

/**
 * The calls of the relay's client that take accepted work to the remote.
 * @param githubToken the person's own; it goes into a header and nowhere else
 */
export function publishCalls({ task, request, read }: Asking) {
  const as = (githubToken: string | undefined): Record<string, string> =>
    githubToken === undefined ? {} : { 'x-github-token': githubToken };
  return {
    openPullRequest: (id: string, body: OpenPullRequest, githubToken: string) =>
      read(Publish, task(id, '/pull-request'), {
        method: 'POST',
        json: body,
        headers: as(githubToken),
        timeoutMs: TRANSFER_MS,
      }),
    /** What opening it would come to; changes nothing. Without a token the remote is not asked. */
    preflight: (id: string, body: AskPreflight, githubToken?: string) =>
      read(Preflight, task(id, '/pull-request/preflight'), {
        method: 'POST',
        json: body,
        headers: as(githubToken),
        timeoutMs: LOOK_MS,
      }),
    /** The same commits as a Git bundle that builds on the task's base commit; its one ref points at `commit`. */
    commitBundle: async (id: string, body: MakeCommits): Promise<{ commit: string; bundle: Uint8Array }> => {
      const answer = await request(task(id, '/commits'), {
        method: 'POST',
        json: body,
        timeoutMs: TRANSFER_MS,
      });
      const bundle = new Uint8Array(await answer.arrayBuffer());
      return { commit: answer.headers.get(COMMIT_HEADER) ?? '', bundle };
    },
  };
}
