import type { SandboxState } from '@daytonaio/sdk';
import type { ProviderState } from '../sandbox.ts';

/** Every state that the vendor has, as the relay speaks of it. A state that a later vendor adds is worth asking again. */
const STATES: Record<SandboxState, ProviderState> = {
  creating: 'starting',
  restoring: 'starting',
  starting: 'starting',
  resuming: 'starting',
  pending_build: 'starting',
  building_snapshot: 'starting',
  pulling_snapshot: 'starting',
  resizing: 'starting',
  snapshotting: 'starting',
  forking: 'starting',
  unknown: 'starting',
  11184809: 'starting',
  started: 'running',
  stopping: 'stopping',
  pausing: 'stopping',
  destroying: 'stopping',
  stopped: 'hibernated',
  paused: 'hibernated',
  archiving: 'archived',
  archived: 'archived',
  destroyed: 'gone',
  error: 'failed',
  build_failed: 'failed',
};

/** @param state as the vendor gave it, which may be nothing, or a word that this version does not know */
export function providerState(state: string | undefined): ProviderState {
  return isKnown(state) ? STATES[state] : 'starting';
}

function isKnown(state: string | undefined): state is SandboxState {
  return state !== undefined && Object.hasOwn(STATES, state);
}
