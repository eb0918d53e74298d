import type { Snapshot } from '@daytonaio/sdk';
import { SandboxError, type SnapshotRef } from '../sandbox.ts';
import type { Client } from './client.ts';

/** Milliseconds for a snapshot to be there: the whole disk is stored. */
const PATIENCE = 30 * 60_000;
const FIRST_PACE = 500;
const LONGEST_PACE = 5_000;

/** The vendor's snapshots, by name. */
export interface Snapshots {
  /**
   * The snapshot of that name, whole and usable; asked for by `make` where there is none yet.
   * @throws SandboxError `failed` with the vendor's reason, `not-found` where there is none and `make` is absent
   */
  ready(name: string, make?: () => Promise<unknown>): Promise<void>;
  /** Idempotent. */
  remove(name: string): Promise<void>;
}

export function createSnapshots(client: Client): Snapshots {
  const { clock } = client;

  const see = (name: string): Promise<Snapshot | undefined> =>
    orMissing(client.ask('look at the snapshot', (daytona) => daytona.snapshot.get(name)));
  const remove = async (name: string): Promise<void> => {
    await orMissing(client.ask('remove the snapshot', (daytona) => daytona.snapshot.delete(name)));
  };

  return {
    remove,

    async ready(name, make) {
      const deadline = clock.now() + PATIENCE;
      let made = false;
      for (let pace = FIRST_PACE; clock.now() < deadline; pace = Math.min(pace * 2, LONGEST_PACE)) {
        const seen = await see(name);
        if (seen?.state === 'active') return;
        if (seen === undefined && !made) {
          if (make === undefined) throw new SandboxError('not-found', 'Daytona does not have that snapshot.');
          made = true;
          await make();
          continue;
        }
        if (seen?.state === 'error' || seen?.state === 'build_failed') {
          // It would be in the way of the next attempt.
          await remove(name);
          throw failed(seen);
        }
        if (seen?.state === 'inactive') {
          await client.ask('activate the snapshot', (daytona) => daytona.snapshot.activate(seen.id));
        }
        await clock.sleep(pace, client.closing).catch(() => {});
      }
      throw new SandboxError('busy', 'Daytona takes too long over a snapshot.', {
        nextAction: 'Try again later.',
      });
    },
  };
}

/** The name is all it takes. */
export function snapshotRef(name: string): SnapshotRef {
  return { provider: 'daytona', id: name };
}

function failed({ state, errorReason }: Snapshot): SandboxError {
  const reason = errorReason ? `: ${errorReason.replace(/\s+/g, ' ').slice(0, 300)}` : '';
  return new SandboxError('failed', `Daytona could not make the snapshot (${state})${reason}.`);
}

async function orMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof SandboxError && error.code === 'not-found') return undefined;
    throw error;
  }
}
