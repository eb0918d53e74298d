import type { Decision } from '../../server/protocol/review.ts';

/** A decision that was made here, and what brings back what was before it. */
export interface Step {
  taskId: string;
  done: Decision[];
  undone: Decision[];
}

/** How many decisions can be undone, one after the other. */
const DEPTH = 200;

/** What this window decided, newest last; what was undone waits to be redone until something else is decided. */
export function createHistory() {
  const past: Step[] = [];
  const future: Step[] = [];
  return {
    add(step: Step): void {
      past.push(step);
      if (past.length > DEPTH) past.shift();
      future.length = 0;
    },
    /** The newest step; call `undone` once it is. */
    last: (): Step | undefined => past.at(-1),
    next: (): Step | undefined => future.at(-1),
    undone(step: Step): void {
      past.splice(past.lastIndexOf(step), 1);
      future.push(step);
    },
    redone(step: Step): void {
      future.splice(future.lastIndexOf(step), 1);
      past.push(step);
    },
    /** A step whose units are no longer there can be neither. */
    forget(step: Step): void {
      for (const steps of [past, future]) if (steps.includes(step)) steps.splice(steps.indexOf(step), 1);
    },
  };
}
