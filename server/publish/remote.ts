import type { AppError } from '../errors.ts';
import type { Person } from '../protocol/commands.ts';
import type { PullRequest } from '../protocol/events.ts';
import type { ForgeKind } from '../protocol/publish.ts';
import type { PushPlan } from '../repo/pushed-tree.ts';
import type { TaskRow } from '../tasks/task-store.ts';

/** A pull request as it is asked for. */
export interface PullRequestText {
  /** The pushed branch. */
  branch: string;
  /** The branch that the person named for it to go into. */
  base: string | undefined;
  title: string;
  body: string;
}

/** What is pushed. */
export interface Pushed {
  commit: string;
  pushedTree: string;
  /** What all of it is built on. */
  baseCommit: string;
  branch: string;
}

/** The work of a publication at the remote. Every function may be repeated; `token` is the person's. */
export interface Remote {
  viewer(token: string): Promise<Person>;
  /** Throws what would certainly have the push refused, as far as that can be known beforehand. */
  assertMayPush(row: TaskRow, input: { workflows: string[]; token: string }): Promise<void>;
  /** Has the remote make the commits and sign them as the person. */
  sign(row: TaskRow, input: { plan: PushPlan; message: string; token: string }): Promise<{ commit: string }>;
  /** Pushes and proves it: commit and tree are at the remote. */
  push(row: TaskRow, input: Pushed & { token: string }): Promise<void>;
  /** @param input.isReworded one that is open already is given title and body; else it keeps its own */
  open(
    row: TaskRow,
    input: PullRequestText & { draft: boolean; isReworded: boolean; token: string },
  ): Promise<PullRequest>;
  /** Whose website the remote is at; undefined where there is none. */
  forge(row: TaskRow): { kind: ForgeKind; path: string } | undefined;
  /** Where the person can open the pull request by hand, if the remote has such a page. */
  compareUrl(row: TaskRow, input: PullRequestText): string | undefined;
  /** Throws where the remote is none that a token is for. */
  assertKnown(row: TaskRow): void;
  /** What is there now, of which nothing is changed. That it cannot be reached is a problem, and not an error. */
  look(
    row: TaskRow,
    input: { branch: string; base: string | undefined; workflows: string[]; token: string },
  ): Promise<RemoteLook>;
}

/** What was not to be found out is absent. */
export interface RemoteLook {
  mayPush?: boolean;
  base: { branch?: string; exists?: boolean; isProtected?: boolean };
  head: { commit?: string; exists?: boolean; isProtected?: boolean };
  existing?: { url: string; number: number; title: string; body: string };
  /** In the order in which they are best dealt with. */
  problems: AppError[];
}
