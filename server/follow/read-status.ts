import { createHash } from 'node:crypto';
import * as z from 'zod';
import { AppError } from '../errors.ts';
import { type Api, connect, failureOf, isHttpError } from '../github/api.ts';
import type { GitHubRepository } from '../github/remote-url.ts';
import type { PullRequestStatus } from '../protocol/follow.ts';
import {
  checkOfRun,
  checkOfStatus,
  commentOf,
  commentOfLine,
  commentOfReview,
  pullOf,
  RemoteCheckRun,
  RemoteCommitStatus,
  RemoteIssueComment,
  RemoteLineComment,
  RemotePull,
  RemoteReview,
} from './remote-shapes.ts';
import { inOrder } from './status-changes.ts';

/** How many of each list are asked for at once. */
const PAGE = 100;
/** How many answers are remembered, so that the same costs GitHub nothing and the person none of their hourly requests. */
const REMEMBERED = 500;

/** Looks at a pull request as the owner of the token. Throws what `failureOf` makes of a refusal. */
export type ReadStatus = (
  api: Api,
  place: GitHubRepository & { number: number },
) => Promise<PullRequestStatus>;

interface Answer {
  etag: string;
  data: unknown;
  /** Of a list that goes on. */
  last: string | undefined;
}

export function createReadStatus(): ReadStatus {
  const known = new Map<string, Answer>();

  return async (api, { owner, repo, number }) => {
    const octokit = connect(api);
    const who = createHash('sha256').update(api.token).digest('base64url');
    const base = `${api.apiUrl.replace(/\/+$/, '')}/repos/${owner}/${repo}`;

    /** @param url below the repository, or a page that GitHub named */
    async function get(url: string): Promise<Omit<Answer, 'etag'>> {
      // What one person may see, another may not.
      const key = `${who} ${url}`;
      const before = known.get(key);
      const headers = before === undefined ? {} : { 'if-none-match': before.etag };
      try {
        const { data, headers: told } = await octokit.request({ method: 'GET', url, headers });
        const answer = { data, last: lastPage(told.link, base) };
        known.delete(key);
        if (told.etag !== undefined) known.set(key, { etag: told.etag, ...answer });
        for (const oldest of known.keys()) {
          if (known.size <= REMEMBERED) break;
          known.delete(oldest);
        }
        return answer;
      } catch (error) {
        if (before !== undefined && isHttpError(error) && error.status === 304) return before;
        throw error;
      }
    }

    async function read<Schema extends z.ZodType>(schema: Schema, path: string): Promise<z.infer<Schema>> {
      return understood(schema, (await get(`${base}${path}`)).data);
    }

    /** The first page and the last, for lists have the oldest first. @param path with a query */
    async function ends<Schema extends z.ZodType>(page: Schema, path: string): Promise<z.infer<Schema>[]> {
      const first = await get(`${base}${path}&per_page=${PAGE}`);
      const pages = [first, ...(first.last === undefined ? [] : [await get(first.last)])];
      return pages.map(({ data }) => understood(page, data));
    }

    try {
      const pull = await read(RemotePull, `/pulls/${number}`);
      const commit = pull.head.sha;
      const [runs, statuses, lines, reviews, comments] = await Promise.all([
        ends(
          z.object({ check_runs: z.array(RemoteCheckRun) }),
          `/commits/${commit}/check-runs?filter=latest`,
        ),
        ends(z.object({ statuses: z.array(RemoteCommitStatus) }), `/commits/${commit}/status?`),
        ends(z.array(RemoteLineComment), `/pulls/${number}/comments?sort=created&direction=desc`),
        ends(z.array(RemoteReview), `/pulls/${number}/reviews?`),
        ends(z.array(RemoteIssueComment), `/issues/${number}/comments?`),
      ]);
      return inOrder(
        pullOf(pull, {
          checks: [
            ...runs.flatMap(({ check_runs }) => check_runs.map(checkOfRun)),
            ...statuses.flatMap((page) => page.statuses.map(checkOfStatus)),
          ],
          comments: [
            ...lines.flat().map(commentOfLine),
            ...reviews.flat().flatMap((review) => commentOfReview(review) ?? []),
            ...comments.flat().map(commentOf),
          ],
        }),
      );
    } catch (error) {
      throw failureOf(error, api.signal);
    }
  };
}

/** The last page that GitHub names; only at the same place, for the token goes there. */
function lastPage(link: string | undefined, base: string): string | undefined {
  const last = /<([^>]+)>;\s*rel="last"/.exec(link ?? '')?.[1];
  return last?.startsWith(`${new URL(base).origin}/`) ? last : undefined;
}

function understood<Schema extends z.ZodType>(schema: Schema, data: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new AppError(
    'github_unavailable',
    'GitHub answered something that this version does not understand.',
    {
      cause: parsed.error,
      nextAction: 'Try again in a minute; if it stays so, update Handoff.',
    },
  );
}
