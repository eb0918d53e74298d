import * as z from 'zod';
import { OpenPullRequest, Uncommitted } from './commands.ts';
import { Failure } from './errors.ts';
import { Oid } from './source.ts';

/** What looks like a credential in what would be pushed. The value itself is in no answer, event, error or log. */
export const SecretFinding = z.object({
  path: z.string(),
  /** Of the pushed file, 1-based. */
  line: z.number().int(),
  /** Which kind it is, as a name that stays the same. */
  rule: z.string(),
  /** The same for the same value in the same file, so that a person's word on it outlives revisions. */
  fingerprint: z.string(),
  /** As much of it as everybody may see: what every value of its kind begins with, and its length. */
  masked: z.string(),
});
export type SecretFinding = z.infer<typeof SecretFinding>;

/** Who runs the remote's website, as far as its address tells. */
export const ForgeKind = z.enum(['github', 'gitlab', 'bitbucket', 'gitea', 'azure', 'unknown']);
export type ForgeKind = z.infer<typeof ForgeKind>;

/** `POST /v1/tasks/{id}/pull-request/preflight`, with the person's token in `x-github-token` where there is one. */
export const AskPreflight = z.object({
  base: OpenPullRequest.shape.base,
  branch: OpenPullRequest.shape.branch,
  uncommitted: Uncommitted.default('leave-out'),
});
export type AskPreflight = z.input<typeof AskPreflight>;

/** What would happen if the pull request was opened now. What could not be found out is absent, and a problem says why. */
export const Preflight = z.object({
  forge: ForgeKind,
  /** As the forge names it, such as `owner/name`. */
  repository: z.string().optional(),
  /** Whether the owner of the token may push. */
  mayPush: z.boolean().optional(),
  base: z.object({
    branch: z.string().optional(),
    exists: z.boolean().optional(),
    /** Merging into it has rules, such as a review. */
    isProtected: z.boolean().optional(),
  }),
  head: z.object({
    branch: z.string(),
    /** `ours`: it holds an earlier commit of this task. `taken`: somebody else's. */
    state: z.enum(['free', 'ours', 'taken']).optional(),
    isProtected: z.boolean().optional(),
  }),
  /** The open pull request of these branches: it would be brought up to date. */
  existing: z.object({ url: z.string(), number: z.number().int() }).optional(),
  /** The uncommitted work that the task started from; absent: none. `conflicts`: files in which it cannot be told from what was accepted. */
  uncommitted: z.object({ files: z.number().int(), conflicts: z.array(z.string()) }).optional(),
  /** What would be pushed. */
  pushedTree: Oid.optional(),
  /** Files that the repository's automation runs, and which need a separate yes. */
  workflows: z.array(z.string()),
  secrets: z.array(SecretFinding),
  /** The repository's own, of which `body` was made. */
  template: z.string().optional(),
  /** Of the one that is open, else words for a new one. */
  title: z.string(),
  body: z.string(),
  /** Where a pull or merge request can be opened by hand, once the branch is pushed. */
  compareUrl: z.string().optional(),
  /** What stands in the way, in the order in which it is best dealt with. */
  problems: z.array(Failure),
});
export type Preflight = z.infer<typeof Preflight>;

/** `POST /v1/tasks/{id}/commits`: the same commits as a Git bundle, for a branch that is made or pushed by the person's own Git. */
export const MakeCommits = OpenPullRequest.pick({
  acceptedTree: true,
  title: true,
  body: true,
  uncommitted: true,
  allowWorkflows: true,
  allowedSecrets: true,
}).extend({ author: OpenPullRequest.shape.author.unwrap() });
export type MakeCommits = z.input<typeof MakeCommits>;

/** The header that names the last of those commits; the bundle's one ref points at it. */
export const COMMIT_HEADER = 'x-handoff-commit';
