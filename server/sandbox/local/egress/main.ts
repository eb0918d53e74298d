// The process by which the sandboxes of a host reach what they may: one for all, detached, so that it outlives the relay as they
// do. Arguments: the folder of all sandboxes, this process's own folder, milliseconds of idleness after which it ends.
import { thisWorld } from './reach.ts';
import { runEgress } from './run.ts';

const [sandboxes = '', home = '', idleMs = ''] = process.argv.slice(2);
await runEgress({ sandboxes, home, idleMs: Number(idleMs) }, thisWorld);
process.exit(0);
