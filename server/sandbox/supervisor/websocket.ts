// The one process of Handoff inside a machine that a vendor lays out, and that is reached by WebSocket. `start <machine>` makes sure
// that it runs, and prints how to reach it as one line; `serve <machine>` is it. It needs Node and the home folder of whoever starts it.
import { machinePlaces } from './websocket-place.ts';
import { serveMachine } from './websocket-serve.ts';
import { startSupervisor } from './websocket-start.ts';

const [script = '', mode, machine = ''] = process.argv.slice(1);
try {
  const places = machinePlaces();
  if (mode === 'serve') await serveMachine(places, machine);
  else {
    const { port, key } = await startSupervisor(places, machine, script);
    const { workspace, scratch } = places;
    console.log(`handoff:supervisor=${JSON.stringify({ port, key, workspace, scratch })}`);
  }
} catch (error) {
  console.log(`handoff:problem=${JSON.stringify(error instanceof Error ? error.message : String(error))}`);
  // A supervisor that did not get ready must not stay and hold the lock.
  if (mode === 'serve') process.exit(1);
  process.exitCode = 1;
}
