import type { Places } from '../supervised/places.ts';
import { type Commands, createCommands } from './commands.ts';
import { type Files, workspaceFiles } from './files.ts';
import { execRecords } from './record.ts';
import { type Scratch, scratchFiles } from './scratch.ts';
import { ripgrepSearch, type Search } from './search.ts';

/** Everything that a supervisor does for its relay. */
export interface Context {
  commands: Commands;
  files: Files;
  search: Search;
  scratch: Scratch;
}

/**
 * @param places folders that exist, and that this process may write
 * @param inherited what commands have in their environment besides
 */
export function createContext(
  { workspace, home, scratch, state, path }: Places,
  inherited: Record<string, string> = {},
): Context {
  const env = {
    ...inherited,
    PATH: path,
    HOME: home,
    USER: 'agent',
    LOGNAME: 'agent',
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    TERM: 'dumb',
  };
  process.umask(0o022);
  return {
    commands: createCommands(execRecords(state), { workspace, env }),
    files: workspaceFiles(workspace),
    search: ripgrepSearch(workspace),
    scratch: scratchFiles(scratch),
  };
}
