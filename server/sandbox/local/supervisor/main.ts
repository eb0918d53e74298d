// The one process of Handoff inside a sandbox: it starts commands, touches files and searches, as the relay asks over an
// inherited socket. It outlives the relay. It needs nothing but Node, ripgrep and the folders named in `INSIDE`.
import fs from 'node:fs';
import { createServer } from 'node:net';
import { INSIDE, LISTEN_FD } from '../wire.ts';
import { createCommands } from './commands.ts';
import { workspaceFiles } from './files.ts';
import { execRecords } from './record.ts';
import { scratchFiles } from './scratch.ts';
import { ripgrepSearch } from './search.ts';
import { serve } from './serve.ts';

/** The kernel, short of memory, kills a sandbox's processes before the relay's and the person's (-1000 to 1000). */
const OOM_SCORE = '700';

const env = {
  PATH: INSIDE.path,
  HOME: INSIDE.home,
  USER: 'agent',
  LOGNAME: 'agent',
  SHELL: '/bin/bash',
  LANG: 'C.UTF-8',
  TMPDIR: '/tmp',
  TERM: 'dumb',
};

process.umask(0o022);
fs.writeFileSync('/proc/self/oom_score_adj', OOM_SCORE);
const context = {
  commands: createCommands(execRecords(INSIDE.state), { workspace: INSIDE.workspace, env }),
  files: workspaceFiles(INSIDE.workspace),
  search: ripgrepSearch(INSIDE.workspace),
  scratch: scratchFiles(INSIDE.scratch),
};
createServer((socket) => serve(socket, context)).listen({ fd: LISTEN_FD });
