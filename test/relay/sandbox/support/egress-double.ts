// The egress process with a little internet on loopback instead of the real one. It is bundled with what is where.
import { runEgress } from '../../../../server/sandbox/local/egress/run.ts';
import { internet } from '../../../fakes/internet.ts';

declare const INTERNET: { names: Record<string, string[][]>; servers: Record<string, number> };

const [sandboxes = '', home = '', idleMs = ''] = process.argv.slice(2);
await runEgress({ sandboxes, home, idleMs: Number(idleMs) }, internet(INTERNET.names, INTERNET.servers));
process.exit(0);
