import assert from 'node:assert/strict';
import { SandboxState } from '@daytonaio/sdk';
import { providerState } from '../../../server/sandbox/daytona/states.ts';

describe('a state that Daytona has', () => {
  it('is one of the contract, each of them', () => {
    const all = Object.fromEntries(Object.values(SandboxState).map((state) => [state, providerState(state)]));
    assert.deepEqual(all, {
      creating: 'starting',
      restoring: 'starting',
      destroyed: 'gone',
      destroying: 'stopping',
      started: 'running',
      stopped: 'hibernated',
      starting: 'starting',
      stopping: 'stopping',
      error: 'failed',
      build_failed: 'failed',
      pending_build: 'starting',
      building_snapshot: 'starting',
      unknown: 'starting',
      pulling_snapshot: 'starting',
      archived: 'archived',
      archiving: 'archived',
      resizing: 'starting',
      snapshotting: 'starting',
      forking: 'starting',
      pausing: 'stopping',
      paused: 'hibernated',
      resuming: 'starting',
      11184809: 'starting',
    });
  });

  it('is worth asking again where it is missing or new, and never taken for gone', () => {
    assert.deepEqual([undefined, 'teleporting', 'constructor'].map(providerState), [
      'starting',
      'starting',
      'starting',
    ]);
  });
});
