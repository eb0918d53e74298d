import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Every command's environment carries its `execId` under this name, and so does that of all it starts. */
export const EXEC_MARK = 'HANDOFF_EXEC_ID';

export interface Proc {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** Undefined for a process that belongs to no command, or has wiped its environment. */
  execId: string | undefined;
}

/**
 * Whether a command is among those that a prefix names. Numbers are whole: `turn:m1c1` is no beginning of `turn:m1c10`, which is another
 * call, while `turn:m` is one of both.
 */
export function isNamedBy(prefix: string, execId: string): boolean {
  return execId.startsWith(prefix) && !(/\d$/.test(prefix) && /^\d/.test(execId.slice(prefix.length)));
}

/** Patience and pace of killing, in milliseconds: a process in the middle of a system call dies a moment later. */
const KILL_PATIENCE = 5_000;
const KILL_PACE = 3;

/** The processes of this sandbox that are alive (zombies are not), without pid 1 and the supervisor. */
function listProcesses(): Proc[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== '1' && name !== String(process.pid))
    .flatMap((name) => readProcess(Number(name)));
}

function readProcess(pid: number): Proc[] {
  try {
    // pid (comm) state ppid pgrp session ...; the name may hold spaces and parentheses itself.
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = '', parent, group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if ('ZXx'.includes(state)) return [];
    const mark = fs
      .readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .find((entry) => entry.startsWith(`${EXEC_MARK}=`));
    const execId = mark?.slice(EXEC_MARK.length + 1);
    return [{ pid, parent: Number(parent), group: Number(group), session: Number(session), execId }];
  } catch {
    return []; // It ended while we looked.
  }
}

/**
 * Picks the processes of a command: those that carry its mark, all in their sessions, and all descendants of these. One
 * that wiped its environment, left the session and lost its parent is not found; it ends with the sandbox.
 * @param leaders process ids of commands that still run
 */
export function belonging(all: Proc[], isMine: (execId: string) => boolean, leaders: number[]): Proc[] {
  const marked = all.filter(
    ({ pid, execId }) => leaders.includes(pid) || (execId !== undefined && isMine(execId)),
  );
  const sessions = new Set([...leaders, ...marked.map(({ session }) => session)]);
  const mine = new Set(all.filter((one) => marked.includes(one) || sessions.has(one.session)));
  for (let before = -1; before !== mine.size; ) {
    before = mine.size;
    const pids = new Set([...mine].map(({ pid }) => pid));
    for (const one of all) if (pids.has(one.parent)) mine.add(one);
  }
  return [...mine];
}

/**
 * Kills the processes of commands, however fast they multiply, and resolves once none is alive.
 * @throws where some are alive after five seconds of killing
 */
export async function killCommands(isMine: (execId: string) => boolean, leaders: number[]): Promise<void> {
  for (const leader of leaders) signal(-leader);
  for (const deadline = performance.now() + KILL_PATIENCE; ; ) {
    const alive = belonging(listProcesses(), isMine, leaders);
    if (alive.length === 0) return;
    if (performance.now() > deadline) throw new Error(`${alive.length} processes cannot be killed`);
    for (const group of new Set(alive.map((one) => one.group))) if (group > 1) signal(-group);
    for (const { pid } of alive) signal(pid);
    await sleep(KILL_PACE);
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
