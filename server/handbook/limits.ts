/** Every figure that bounds what a repository tells its agents, in one place, each with its reason. */
export const HANDBOOK_LIMITS = {
  /** UTF-16 units of AGENTS.md: more than a few pages of rules is a book, and costs in every call. */
  agentsMd: 32_000,
  /** UTF-16 units of lessons-learned.md that every call carries; of a longer file the newest, which stand last. */
  lessons: 12_000,
  /** Bytes of each file of roles, skills and commands: a skill of more is better split into files that are read when needed. */
  file: 64 * 1024,
  /** UTF-16 units of the head of one: it takes ten times the longest description, and the parser of YAML 20 ms at most, which nothing interrupts. */
  head: 4000,
  /** Bytes of Git's list of them: a folder of templates or of data beside a skill may be large. */
  listing: 2 ** 24,
  /** Roles, which the model chooses from at once; skills, of which every call carries the descriptions; and commands, which nobody pays for. */
  roles: 20,
  skills: 40,
  commands: 100,
  /** UTF-16 units that a command may come to, as many as a message may have: a template names its arguments as often as it likes. */
  expansion: 200_000,
  /** UTF-16 units of a description: it is for choosing, what it describes says the rest. */
  description: 400,
  /** Files of a skill's folder that are named with it. */
  skillFiles: 50,
  /** Problems that are told: a folder of files of another kind has as many as it has files. */
  problems: 10,
} as const;
