import type { Role } from './agent.ts';

/** Something that the repository offers to know more about when it is needed. */
export interface Skill {
  name: string;
  description: string;
  /** What the model reads when it asks for it. */
  body: string;
  /** Its folder, relative to the workspace; and what else is in it, as paths from there, too. */
  folder: string;
  files: string[];
}

/** What a person may write as `/name` in a message. */
export interface SlashCommand {
  name: string;
  description: string;
  /** With `$ARGUMENTS` where what was written behind the name goes. */
  template: string;
}

/**
 * What a repository tells its agents, the same for a whole turn, so that every request of it begins the same. As it stands in the base tree,
 * so that the agent cannot change what it may do in the middle of its work; but for the two files that it is asked to write.
 */
export interface Handbook {
  /** As the workspace had it when the turn began. */
  agentsMd: string | undefined;
  /** The same of lessons-learned.md; of a long file its end. */
  lessons: string | undefined;
  roles: Role[];
  skills: Skill[];
  commands: SlashCommand[];
  /** What of it could not be read, a line each, for the person. */
  problems: string[];
}

export const EMPTY_HANDBOOK: Handbook = {
  agentsMd: undefined,
  lessons: undefined,
  roles: [],
  skills: [],
  commands: [],
  problems: [],
};
