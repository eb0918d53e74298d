// What ends this process, and what then happens. While the clone is being prepared that is the end; later the command that
// runs is told and decides.
import { constants } from 'node:os';

/** Between two looks at who the parent is, in milliseconds. */
const PARENT_POLL_MS = 500;

let receive = (signal) => process.exit(128 + constants.signals[signal]);

/** @param {(signal: NodeJS.Signals) => void} handler gets what would have ended this process */
export function redirectSignals(handler) {
  receive = handler;
}

/** Listens from now on, also for the silent end of npm. */
export function listenForSignals() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => receive(signal));
  // npm passes a signal on to its shell, which dies of it and tells nobody: then this process has another parent.
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    receive('SIGTERM');
  }, PARENT_POLL_MS);
  watch.unref();
}
