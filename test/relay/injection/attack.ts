import type { ToolCall } from '../../fakes/model/script.ts';

/** Where the relay of these tests is, and what of its host nobody may reach. */
export interface Place {
  /** Of whoever waits for what leaves. */
  port: number;
  socket: string;
  /** A folder beside the repository, with the person's own files in it. */
  beside: string;
  /** The person's repository, which has objects that are not the task's. */
  repo: string;
  /** The relay's data, and the workspace of another task in it. */
  data: string;
  otherWorkspace: string;
  /** A call of another task. */
  otherCall: string;
  /** An address of this machine in its network; its loopback where it has none. */
  address: string;
  /** A file that is made wherever something runs that was planted: none may be there on the host. */
  mark: string;
}

/** What a text tells the model to do, and what comes of it. */
export interface Attack {
  tries: string;
  call: ToolCall;
  /** What the model reads then, to the letter; or the beginning of it, where a program's own words follow. */
  reads: string | RegExp;
}

export const call = (name: string, input: Record<string, unknown>): ToolCall => ({ name, arguments: input });
export const bash = (command: string): ToolCall => call('bash', { command });

/** Of a text in single quotes for a shell. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A command that says whether another one succeeded, and nothing of what it printed. */
export const reached = (command: string): string =>
  `if ( ${command} ) >/dev/null 2>&1; then echo out; else echo in; fi`;
