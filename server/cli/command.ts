/** What a command is, and what it gets of the world. */

/** The process as commands see it; tests give them another. */
export interface Terminal {
  /** The command's result; with `--json` nothing but JSON. */
  out(text: string): void;
  /** Progress, notices and errors. */
  err(text: string): void;
  /** Whether a person is looking at `err`. */
  errIsTty: boolean;
  /** Whether a person can be asked: stdin and stderr are a terminal. */
  canAsk: boolean;
  env: Record<string, string | undefined>;
  /** Where the person typed the command. */
  cwd: string;
}

/** Resolves with the exit code: 0 done, 1 failed, 2 used wrongly. */
export type Command = (args: string[], terminal: Terminal) => Promise<number>;

/** The command line makes no sense; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something failed that a person can mend: `nextAction` says how. Exit code 1. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly nextAction: string | undefined;
  constructor(message: string, nextAction?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.nextAction = nextAction;
  }
}
