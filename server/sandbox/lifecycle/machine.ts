import type { ProviderState, SandboxRef } from '../sandbox.ts';

/**
 * What the relay last knew of a task's machine. `hibernating` and `resuming` are intents, written before they are carried out and renewed
 * meanwhile: whoever finds one that is old asks the provider and brings it to an end. `lost`: the provider has it no more. `archived`: it
 * sleeps where waking takes minutes, or was given back: then there is none to wake. `failed`: the last try did not work; the next may.
 */
export type MachineState =
  | 'provisioning'
  | 'running'
  | 'hibernating'
  | 'hibernated'
  | 'resuming'
  | 'archived'
  | 'lost'
  | 'failed';

export interface Machine {
  taskId: string;
  /** Null until it has been made. */
  ref: SandboxRef | null;
  state: MachineState;
  /** Counts the changes of state: whoever changes it names the number that they saw. */
  step: number;
  /** Of the last change: another's change to the same state is another change. */
  token: string | null;
  /** Counts the machines that the task has had: a lost one is followed by another. */
  generation: number;
  /** Milliseconds since 1970; of an intent, when it was last renewed. */
  changedAt: number;
  /** The tree that its workspace had when it went to sleep; null where that is not known. */
  asleepTree: string | null;
  /** Whether the task was archived: it gets no machine any more. */
  isArchived: boolean;
}

/** How old (ms) an intent is that nobody carries out any more, and how often it is renewed by whoever does. */
export const STALE_MS = 15_000;
export const RENEW_MS = 3_000;

/** What may become of a machine in a state. Everything may be given back with its task, or found to be lost. */
const NEXT: Record<MachineState, readonly MachineState[]> = {
  provisioning: ['provisioning', 'running', 'failed'],
  running: ['hibernating', 'hibernated', 'resuming', 'failed'],
  hibernating: ['hibernated', 'running', 'resuming'],
  hibernated: ['resuming', 'running', 'failed'],
  resuming: ['running', 'resuming', 'hibernated', 'failed'],
  archived: ['provisioning', 'resuming', 'running', 'hibernated', 'failed'],
  lost: ['provisioning'],
  failed: ['provisioning', 'running', 'hibernated', 'resuming'],
};

export function mayBecome(from: MachineState | undefined, to: MachineState): boolean {
  if (from === undefined) return to === 'provisioning';
  return to === 'archived' || to === 'lost' || NEXT[from].includes(to);
}

/** What the provider's word on a machine makes of what the relay believed. Undefined: nothing is new, or nothing is certain. */
export function reconciled(believed: MachineState, truth: ProviderState): MachineState | undefined {
  const is = IS[truth];
  if (is === undefined || is === believed) return undefined;
  return CERTAIN[believed] ? is : undefined;
}

/** A machine on its way is asked about again. */
const IS: Record<ProviderState, MachineState | undefined> = {
  starting: undefined,
  running: 'running',
  stopping: undefined,
  hibernated: 'hibernated',
  archived: 'archived',
  gone: 'lost',
  failed: 'failed',
};

/** Whether nobody is at work on a machine that is believed to be so: then the provider knows better. */
const CERTAIN: Record<MachineState, boolean> = {
  provisioning: false,
  running: true,
  hibernating: false,
  hibernated: true,
  resuming: false,
  archived: true,
  lost: false,
  failed: true,
};
