// The first program of a container: the supervisor, behind a Unix socket inside. The relay comes to it by `stdio.ts`, as often as it
// likes, so that supervisor and commands outlive it. It needs Node, Git, bash and ripgrep, and the folders of `PLACES`.
import fs from 'node:fs';
import { createServer } from 'node:net';
import { PLACES, PROGRAMS, SOCKET } from '../container/places.ts';
import { createContext } from './context.ts';
import { imageEnvironment } from './image-environment.ts';
import { serve } from './serve.ts';

const NEEDED = ['bash', 'git', 'rg'];
/** As images without a `PATH` of their own have it. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const path = `${process.env['PATH'] || DEFAULT_PATH}:${PROGRAMS.bin}`;
process.env['PATH'] = path;
const missing = NEEDED.filter(
  (name) => !path.split(':').some((folder) => fs.existsSync(`${folder}/${name}`)),
);
if (missing.length > 0) {
  console.error(`The image has no ${missing.join(' and no ')}.`);
  process.exit(1);
}
const context = createContext({ ...PLACES, path }, imageEnvironment(process.env));
// Left by an earlier life of the container, in which nobody listens any more.
fs.rmSync(SOCKET, { force: true });
createServer((socket) => serve(socket, context)).listen(SOCKET);
