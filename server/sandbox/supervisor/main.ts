// The one process of Handoff inside a local sandbox: it starts commands, touches files and searches, as the relay asks over an
// inherited socket. It outlives the relay. It needs nothing but Node, ripgrep and the folders named in `INSIDE`.
import fs from 'node:fs';
import { createServer } from 'node:net';
import { INSIDE } from '../supervised/places.ts';
import { createContext } from './context.ts';
import { openEgress } from './egress.ts';
import { serve } from './serve.ts';

/** The inherited descriptor on which the supervisor listens. */
const LISTEN_FD = 3;
/** The kernel, short of memory, kills a sandbox's processes before the relay's and the person's (-1000 to 1000). */
const OOM_SCORE = '700';

fs.writeFileSync('/proc/self/oom_score_adj', OOM_SCORE);
const context = createContext(INSIDE, openEgress());
createServer((socket) => serve(socket, context)).listen({ fd: LISTEN_FD });
