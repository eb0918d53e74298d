import * as z from 'zod';

/** What a person may write as `/name` at the beginning of a message, for a list to choose from. */
export const SlashCommandInfo = z.object({
  name: z.string(),
  description: z.string(),
  /** Whether every relay has it, or the repository's files. */
  source: z.enum(['handoff', 'repository']),
});
export type SlashCommandInfo = z.infer<typeof SlashCommandInfo>;

/** `GET /v1/tasks/{id}/commands` answers */
export const SlashCommands = z.object({ commands: z.array(SlashCommandInfo) });
export type SlashCommands = z.infer<typeof SlashCommands>;

/** What every relay knows. */
export const OWN_COMMANDS: readonly SlashCommandInfo[] = [
  { name: 'init', description: 'Write an AGENTS.md for this repository', source: 'handoff' },
  {
    name: 'plan',
    description: 'Make a plan first, and change nothing until it is approved',
    source: 'handoff',
  },
  { name: 'review', description: 'Have the changes of this task reviewed', source: 'handoff' },
];

/** The command that a message is, and what stands behind its name. A path, such as `/usr/bin`, is none. */
export function commandIn(text: string): { name: string; rest: string } | undefined {
  const found = /^\/([A-Za-z0-9][\w:.-]{0,63})(?=\s|$)/.exec(text);
  return found?.[1] === undefined ? undefined : { name: found[1], rest: text.slice(found[0].length).trim() };
}

/** The folders of a repository that have commands, the more important first. */
export const COMMAND_FOLDERS = ['.handoff/commands', '.claude/commands'] as const;

/** How the command of a file is called: folders within are told by colons. Undefined where that could not be typed. */
export function commandNameOf(path: string): string | undefined {
  const folder = COMMAND_FOLDERS.find((known) => path.startsWith(`${known}/`));
  if (folder === undefined || !path.endsWith('.md')) return undefined;
  const name = path.slice(folder.length + 1, -'.md'.length).replaceAll('/', ':');
  return commandIn(`/${name}`)?.name === name ? name : undefined;
}

/** UTF-16 units of a description in a list. */
const MOST_DESCRIPTION = 200;

/** What a command's file says that it does: the `description` of its head, or else its first line. */
export function describeCommand(text: string): string {
  const [, head = ''] = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text) ?? [];
  // Trimmed behind, for a pattern that looks for the last space goes through a line of spaces once for each of them.
  const said = /^description:(.*)$/m.exec(head)?.[1]?.trim() ?? '';
  const body = text.replace(/^\uFEFF?---[ \t]*\r?\n[\s\S]*?\r?\n---[ \t]*(?:\r?\n|$)/, '');
  const first = body.split('\n').find((line) => line.trim() !== '') ?? '';
  const line = said === '' ? first.replace(/^#+\s*/, '') : said.replace(/^(['"])(.*)\1$/, '$2');
  return line.trim().slice(0, MOST_DESCRIPTION).toWellFormed();
}
