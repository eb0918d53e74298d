/** What an agent made, as it was found once. */
export interface Work {
  treeAfter: string;
  /** Paths that differ from what it began with, sorted. */
  changed: string[];
}

/** Work that could not be brought into the parent's workspace, or only in part: all of it is in the relay's repository of the task. */
export class Unmerged extends Error {
  override readonly name = 'Unmerged';
  readonly work: Work;
  constructor(work: Work, cause: unknown) {
    super('The work of a subagent could not be brought into the workspace.', { cause });
    this.work = work;
  }
}
