import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import {
  COMMAND_FOLDERS,
  commandNameOf,
  describeCommand,
  OWN_COMMANDS,
  type SlashCommandInfo,
} from '../../server/protocol/slash-commands.ts';

/** Files that are looked at: more are no list to choose from. And bytes of each, for its first lines say what it does. */
const MOST_FILES = 100;
const MOST_BYTES = 4096;

/** What a message of a new task may begin with: commands of every relay, and of the working tree as it is, which travels with it. */
export async function workspaceCommands(root: string): Promise<SlashCommandInfo[]> {
  const found = new Map<string, SlashCommandInfo>();
  for (const folder of COMMAND_FOLDERS.toReversed()) {
    const names = await readdir(path.join(root, folder), { recursive: true }).catch((): string[] => []);
    for (const file of names
      .map((name) => `${folder}/${name.replaceAll(path.sep, '/')}`)
      .slice(0, MOST_FILES)) {
      const name = commandNameOf(file);
      const text = name === undefined ? undefined : await beginningOf(path.join(root, file));
      if (name === undefined || text === undefined) continue;
      found.set(name, { name, description: describeCommand(text), source: 'repository' });
    }
  }
  // Nobody takes the place of these.
  for (const own of OWN_COMMANDS) found.set(own.name, own);
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function beginningOf(file: string): Promise<string | undefined> {
  try {
    await using handle = await open(file);
    if (!(await handle.stat()).isFile()) return undefined;
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return undefined;
  }
}
