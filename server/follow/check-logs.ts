import type { Octokit } from '@octokit/core';
import * as z from 'zod';
import { type Api, connect, failureOf, isHttpError } from '../github/api.ts';
import type { GitHubRepository } from '../github/remote-url.ts';
import { RemoteCheckRun } from './remote-shapes.ts';

/** Bytes of a job's log that are read: the last ones. A step that went wrong is near the end, for it is what ended the job. */
const MOST_BYTES = 4 * 2 ** 20;
/** Milliseconds for a log to come. */
const LOG_MS = 60_000;
const ANNOTATIONS = 50;

const Run = RemoteCheckRun.extend({
  output: z
    .object({ title: z.string().nullish(), summary: z.string().nullish(), text: z.string().nullish() })
    .nullish(),
});
const Annotation = z.object({
  path: z.string().nullish(),
  start_line: z.number().nullish(),
  annotation_level: z.string().nullish(),
  title: z.string().nullish(),
  message: z.string().nullish(),
});

/**
 * What a check run of that number has to say, as it was printed: the log of a job of GitHub Actions; of others, whose logs GitHub does not
 * have, what they wrote into their report. Empty where that is nothing. Throws what `failureOf` makes of a refusal.
 */
export async function readCheckLog(
  api: Api,
  { owner, repo }: GitHubRepository,
  run: number,
): Promise<string> {
  // Nothing else of it: Octokit takes some names for its own.
  const place = { owner, repo };
  try {
    const octokit = connect(api);
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/check-runs/{check_run_id}', {
      ...place,
      check_run_id: run,
    });
    const parsed = Run.safeParse(data);
    const { app, output } = parsed.success ? parsed.data : {};
    // A job of GitHub Actions and its check run have the same number.
    const log = app?.slug === 'github-actions' ? await jobLog(api, place, run) : undefined;
    if (log !== undefined) return log;
    const parts = [output?.title, output?.summary, output?.text, await annotations(octokit, place, run)];
    return parts.filter((part) => part?.trim()).join('\n\n');
  } catch (error) {
    throw failureOf(error, api.signal);
  }
}

/** Undefined where GitHub has no log of the job: none yet, or none any more. */
async function jobLog(
  { apiUrl, token, signal }: Api,
  { owner, repo }: GitHubRepository,
  job: number,
): Promise<string | undefined> {
  const limit = AbortSignal.timeout(LOG_MS);
  const signals = { signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) };
  const url = new URL(`${apiUrl.replace(/\/+$/, '')}/repos/${owner}/${repo}/actions/jobs/${job}/logs`);
  const headers = {
    authorization: `token ${token}`,
    accept: 'application/vnd.github+json',
    'user-agent': 'handoff',
  };
  try {
    const asked = await fetch(url, { headers, redirect: 'manual', ...signals });
    const elsewhere = asked.headers.get('location');
    if (asked.ok) return await ending(asked);
    await asked.body?.cancel();
    if (asked.status < 300 || asked.status > 399 || elsewhere === null) return undefined;
    // To the store of logs, which is another server: the address has its own right, and the token stays here.
    const store = new URL(elsewhere, url);
    if (store.protocol !== 'https:' && store.protocol !== url.protocol) return undefined;
    const log = await fetch(store, { headers: { 'user-agent': 'handoff' }, redirect: 'error', ...signals });
    return log.ok ? await ending(log) : undefined;
  } catch (error) {
    signal?.throwIfAborted();
    // The report is still to be had, and says at least what failed.
    if (error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')) {
      return undefined;
    }
    throw error;
  }
}

async function ending({ body }: Response): Promise<string> {
  let kept: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    kept.push(chunk);
    size += chunk.byteLength;
    // Not at each chunk: what is put together is copied.
    if (size > 2 * MOST_BYTES) {
      kept = [Buffer.concat(kept).subarray(-MOST_BYTES)];
      size = MOST_BYTES;
    }
  }
  return new TextDecoder().decode(Buffer.concat(kept).subarray(-MOST_BYTES));
}

async function annotations(octokit: Octokit, place: GitHubRepository, run: number): Promise<string> {
  try {
    const { data } = await octokit.request(
      'GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations',
      {
        ...place,
        check_run_id: run,
        per_page: ANNOTATIONS,
      },
    );
    return z
      .array(Annotation)
      .catch([])
      .parse(data)
      .map(({ path, start_line: line, annotation_level: level, title, message }) => {
        const where = path ? `${path}${line ? `:${line}` : ''}: ` : '';
        return `${where}${level === 'failure' ? 'error' : (level ?? 'note')}: ${[title, message].filter(Boolean).join(': ')}`;
      })
      .join('\n');
  } catch (error) {
    if (isHttpError(error) && error.status === 404) return '';
    throw error;
  }
}
