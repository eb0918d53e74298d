import { AppError } from '../errors.ts';
import { assertToken, tokenRejected } from '../github/token.ts';
import { type Git, GitError, type GitRun, type SecretHeader } from './git.ts';
import { parseTransport, type Transport } from './source-url.ts';

/** A repository to push to, and the person's right to do so. */
export interface Remote extends Transport {
  secret: SecretHeader | undefined;
}

/** Throws `source_not_allowed` for an address, `token_rejected` for a token, that cannot be one. */
export function remoteOf(url: string, token: string, options: { allowFileUrls: boolean }): Remote {
  const transport = parseTransport(url, options);
  if (transport.origin === undefined) return { ...transport, secret: undefined };
  const basic = Buffer.from(`x-access-token:${assertToken(token)}`).toString('base64');
  const secret = {
    origin: transport.origin,
    name: 'Authorization',
    value: `Basic ${basic}`,
    redact: [token, basic],
  };
  return { ...transport, secret };
}

/** Runs Git with the remote's transport and token. */
export function runOn(
  git: Git,
  remote: Remote,
  args: string[],
  options: Pick<GitRun, 'repo' | 'signal'>,
): Promise<Buffer> {
  const secret = remote.secret === undefined ? {} : { secret: remote.secret };
  // A change to a large file is sent as a difference.
  const config = { 'pack.window': '10' };
  return git(args, { ...options, ...secret, config, transports: [remote.protocol] });
}

/** What a ref of the remote points at; undefined where there is none. */
export async function tipOf(
  git: Git,
  remote: Remote,
  ref: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const printed = await runOn(git, remote, ['ls-remote', '--quiet', remote.address, ref], { signal });
  for (const line of printed.toString().split('\n')) {
    const [oid, name] = line.split('\t');
    if (name === ref) return oid;
  }
  return undefined;
}

/**
 * What a failed run means to the person. Git says it in prose only, so an http remote is asked once more, by the first request
 * of every push, for its status.
 */
export async function failureOf(error: unknown, remote: Remote, signal?: AbortSignal): Promise<unknown> {
  if (!(error instanceof GitError)) return error;
  const status = remote.secret === undefined ? 200 : await statusOf(remote, remote.secret, signal);
  if (status === 401) return tokenRejected(error);
  if (status === 403 || status === 404) {
    return new AppError('push_rejected', `The remote does not let this account push (${status}).`, {
      cause: error,
      nextAction:
        'Check that the account has write access, and that the organisation allows the sign-in (single sign-on).',
    });
  }
  if (status >= 300 && status < 400) {
    return new AppError('push_rejected', `The repository at ${remote.address} has moved.`, {
      cause: error,
      nextAction: 'Set the remote to its new address (git remote set-url), then delegate again.',
    });
  }
  const code = refusalCode(error);
  if (code === 'GH006' || code === 'GH013') {
    return new AppError(
      'branch_protected',
      `Rules of the repository protect the branch. ${saidBy(error)}`.trim(),
      {
        cause: error,
        nextAction: 'Publish to another branch, or change what the rules name.',
      },
    );
  }
  // That the remote answers now says nothing of the request that failed: only a ref that Git says was rejected was refused.
  if (!isRejected(error)) {
    return new AppError('github_unavailable', 'The remote cannot be reached, or has a failure of its own.', {
      cause: error,
      nextAction: 'Try again in a minute.',
    });
  }
  return new AppError('push_rejected', `The remote refused the branch. ${saidBy(error)}`.trim(), {
    cause: error,
    nextAction: 'Publish to a branch name that is not taken, or change the rules that protect the branch.',
  });
}

/** Whether a push came to its end, and Git's table for programs says that the ref was not taken (`!`, and why in brackets). */
const isRejected = (error: GitError): boolean => /^!\t[^\t]*\t\[(?:remote )?rejected\]/m.test(error.stdout);

/** GitHub's own code for why it did not take a push; its words may change, its codes have not. */
const refusalCode = (error: GitError): string | undefined =>
  /^remote: .*\b(GH\d{3})\b/m.exec(error.stderr)?.[1];

/** 0 where there is no answer. */
async function statusOf(remote: Remote, secret: SecretHeader, signal?: AbortSignal): Promise<number> {
  const address = remote.address.replace(/\/+$/, '');
  try {
    const timeout = AbortSignal.timeout(STATUS_LIMIT_MS);
    const response = await fetch(`${address}/info/refs?service=git-receive-pack`, {
      headers: { [secret.name]: secret.value },
      redirect: 'manual',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    signal?.throwIfAborted();
    return 0;
  }
}

const STATUS_LIMIT_MS = 30_000;

/** The remote's own words, to be shown and nothing else: why it refused the ref, and what its hooks print. */
function saidBy(error: GitError): string {
  const refused = error.stdout.split('\n').flatMap((line) => {
    const [flag, , why] = line.split('\t');
    return flag === '!' && why !== undefined ? [why] : [];
  });
  const printed = error.stderr
    .split('\n')
    .flatMap((line) => (line.startsWith('remote: ') ? [line.slice(8).trim()] : []));
  const words = [...refused, ...printed];
  return (words.length > 0 ? words.join(' ') : error.stderr.trim()).slice(-1000);
}
