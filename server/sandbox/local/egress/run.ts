import fs from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { CONTROL_SOCKET, type ControlAnswer, ControlRequest, MAX_LINE } from './control.ts';
import { type Gate, listenAt, openGate } from './gate.ts';
import { readPolicy, socketFolder } from './policy.ts';
import type { World } from './reach.ts';

export interface EgressOptions {
  /** The folder of all sandboxes, as this process sees it. */
  sandboxes: string;
  /** This process's own folder, which it holds a lock on. */
  home: string;
  /** Milliseconds without a connection after which a sandbox is no longer served, and without one to serve the process ends. */
  idleMs: number;
}

/** A sandbox's folder, and no path to anywhere else. */
const ID = /^[A-Za-z0-9-]{1,100}$/;

/**
 * The process by which this host's sandboxes leave it: serves those that relays name, and after a crash those that it served
 * before. Resolves when it has nothing to do any more.
 */
export async function runEgress({ sandboxes, home, idleMs }: EgressOptions, world: World): Promise<void> {
  const gates = new Map<string, Gate>();
  let lastAsked = performance.now();

  const place = (id: string): { root: string } => {
    if (!ID.test(id)) throw new Error('That is not the id of a sandbox.');
    return { root: `${sandboxes}/${id}` };
  };
  const noteServed = (): void => writeServed(home, [...gates.keys()]);
  const serve = async (id: string): Promise<void> => {
    const policy = readPolicy(place(id));
    const known = gates.get(id);
    if (known?.stands() && JSON.stringify(known.policy) === JSON.stringify(policy)) {
      known.touch();
      return;
    }
    known?.close();
    gates.delete(id);
    gates.set(id, await openGate(socketFolder(place(id)), policy, world));
    noteServed();
  };
  const handle = async (asked: ControlRequest): Promise<ControlAnswer> => {
    lastAsked = performance.now();
    if (asked.op === 'serve') await serve(asked.id);
    const gate = gates.get(asked.id);
    const inUse = gate !== undefined && gate.idleSince() === undefined && gate.stands();
    return { ok: true, refusals: gate?.refusals() ?? [], inUse };
  };

  // One after the other: two relays may name the same sandbox.
  let queue: Promise<unknown> = Promise.resolve();
  const inTurn = (line: string): Promise<ControlAnswer> => {
    const done = queue
      .then(() => handle(ControlRequest.parse(JSON.parse(line))))
      .catch(
        (error: unknown): ControlAnswer => ({
          ok: false,
          message: error instanceof Error ? error.message : '',
        }),
      );
    queue = done;
    return done;
  };

  const control = createServer((socket) => converse(socket, inTurn));
  const fd = fs.openSync(home, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  unlessFull(() => fs.writeFileSync(`${home}/pid`, String(process.pid)));
  // Those that a process before this one served when it was killed.
  for (const id of readServed(home)) await serve(id).catch(() => {});
  await listenAt(fd, CONTROL_SOCKET, control);

  for (;;) {
    await sleep(Math.min(idleMs, 5_000));
    const now = performance.now();
    for (const [id, gate] of gates) {
      if (now - (gate.idleSince() ?? now) < idleMs) continue;
      gate.close();
      gates.delete(id);
      noteServed();
    }
    if (gates.size === 0 && now - lastAsked >= idleMs) break;
  }
  fs.rmSync(`${home}/${CONTROL_SOCKET}`, { force: true });
  control.close();
}

function writeServed(home: string, ids: string[]): void {
  unlessFull(() => {
    fs.writeFileSync(`${home}/served.json.part`, JSON.stringify(ids));
    fs.renameSync(`${home}/served.json.part`, `${home}/served.json`);
  });
}

/** Notes are for whoever comes after this process: one that cannot be written, on a full disk, ends nobody's network. */
function unlessFull(write: () => void): void {
  try {
    write();
  } catch {
    // The gates are what is true, and sandboxes that a restart does not know of are asked for again by their relays.
  }
}

function readServed(home: string): string[] {
  try {
    return z.array(z.string()).parse(JSON.parse(fs.readFileSync(`${home}/served.json`, 'utf8')));
  } catch {
    return []; // The first of its kind.
  }
}

function converse(socket: Socket, handle: (line: string) => Promise<ControlAnswer>): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    const waiting = !text.includes('\n');
    text += chunk;
    if (text.length > MAX_LINE) socket.destroy();
    else if (waiting && text.includes('\n'))
      void handle(text.slice(0, text.indexOf('\n'))).then((said) => socket.end(`${JSON.stringify(said)}\n`));
  });
}
