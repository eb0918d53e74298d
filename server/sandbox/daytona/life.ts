import type { Sandbox as Machine } from '@daytonaio/sdk';
import { SandboxError } from '../sandbox.ts';
import type { Client } from './client.ts';
import { providerState } from './states.ts';

/** Milliseconds from asking for a machine to its being there: an image may have to be built, an archive to be brought back. */
const AWAKE_PATIENCE = 15 * 60_000;
const ASLEEP_PATIENCE = 5 * 60_000;
const REMOVED_PATIENCE = 2 * 60_000;
/** Milliseconds between looks at a machine that is changing: the first, how they grow, and the longest. */
const FIRST_PACE = 250;
const PACE_GROWTH = 1.5;
const LONGEST_PACE = 3_000;
/** How often a change is asked for in vain before that is believed; one that is refused outright counts for several. */
const VAIN = 20;
const REFUSAL = 4;

/** Brings machines from one state into another, whatever they are doing just then: asks, and then believes only what it sees. */
export interface Life {
  /** The machine of that id or name; undefined where it is certain that there is none. */
  see(idOrName: string): Promise<Machine | undefined>;
  /** Resolves once it runs. @throws SandboxError `lost` where it is gone, `failed` with the vendor's reason, `busy` */
  awake(id: string): Promise<Machine>;
  /** Resolves once it does not run, or is gone. */
  asleep(id: string): Promise<void>;
  /** Resolves once it is gone. */
  removed(id: string): Promise<void>;
}

/** What to do about a machine as it was seen. */
type Step = { done: Machine | undefined } | { ask: (machine: Machine) => Promise<unknown> } | 'wait';

export function createLife(client: Client): Life {
  const { clock } = client;
  /** In seconds, as the SDK has them: for one request, and for waiting a while for what comes of it. */
  const patience = client.requestMs / 1000;

  const see = async (idOrName: string): Promise<Machine | undefined> => {
    try {
      const machine = await client.ask('look at the sandbox', (daytona) => daytona.get(idOrName));
      if (typeof machine.id !== 'string') throw nonsense();
      return providerState(machine.state) === 'gone' ? undefined : machine;
    } catch (error) {
      if (error instanceof SandboxError && error.code === 'not-found') return undefined;
      throw error;
    }
  };

  const bring = async (
    id: string,
    goal: { doing: string; within: number; step: (machine: Machine | undefined) => Step },
  ): Promise<Machine | undefined> => {
    const deadline = clock.now() + goal.within;
    let pace = FIRST_PACE;
    let asked = 0;
    let vain = 0;
    for (;;) {
      const seen = await see(id);
      const step = goal.step(seen);
      if (step !== 'wait' && 'done' in step) return step.done;
      if (step !== 'wait' && seen !== undefined) {
        try {
          asked += 1;
          await client.ask(goal.doing, () => step.ask(seen), {
            repeat: false,
            patience: client.requestMs * 2,
          });
          if (asked === 1) continue;
        } catch (error) {
          if (!(error instanceof SandboxError) || ['unavailable', 'cancelled'].includes(error.code))
            throw error;
          // Something else may be done to it just now, or only the answer be lost: looking again tells.
          vain += error.code === 'failed' ? REFUSAL : 1;
          if (vain >= VAIN) throw error;
        }
      }
      if (clock.now() >= deadline) throw tooSlow(goal.doing);
      await clock.sleep(pace * (0.75 + clock.random() / 2), client.closing).catch(() => {});
      pace = Math.min(pace * PACE_GROWTH, LONGEST_PACE);
    }
  };

  return {
    see,

    async awake(id) {
      const machine = await bring(id, {
        doing: 'start the sandbox',
        within: AWAKE_PATIENCE,
        step(seen) {
          if (seen === undefined || seen.state === 'destroying') throw gone();
          const state = providerState(seen.state);
          if (state === 'running') return { done: seen };
          if (state === 'failed') throw failed(seen);
          if (state === 'hibernated' || state === 'archived')
            return { ask: (asleep) => asleep.start(patience) };
          return 'wait';
        },
      });
      if (machine === undefined) throw gone();
      return machine;
    },

    async asleep(id) {
      await bring(id, {
        doing: 'stop the sandbox',
        within: ASLEEP_PATIENCE,
        step(seen) {
          if (seen === undefined || seen.state === 'destroying') return { done: undefined };
          const state = providerState(seen.state);
          if (state === 'hibernated' || state === 'archived') return { done: seen };
          if (state === 'failed') throw failed(seen);
          return state === 'running' ? { ask: (running) => running.stop(patience) } : 'wait';
        },
      });
    },

    async removed(id) {
      await bring(id, {
        doing: 'remove the sandbox',
        within: REMOVED_PATIENCE,
        step(seen) {
          if (seen === undefined) return { done: undefined };
          return seen.state === 'destroying' ? 'wait' : { ask: (machine) => machine.delete(patience, true) };
        },
      });
    },
  };
}

export function gone(): SandboxError {
  return new SandboxError('lost', 'Daytona no longer has the sandbox: it and its files are gone.', {
    nextAction: 'Start a new task; what was captured of this one can still be reviewed.',
  });
}

function failed({ state, errorReason }: Machine): SandboxError {
  const reason = errorReason ? `: ${errorReason.replace(/\s+/g, ' ').slice(0, 300)}` : '';
  return new SandboxError('failed', `The sandbox is in trouble at Daytona (${state})${reason}.`, {
    nextAction:
      'Look at it in the Daytona dashboard; if its image is at fault, set HANDOFF_IMAGE or HANDOFF_DAYTONA_SNAPSHOT.',
  });
}

function tooSlow(doing: string): SandboxError {
  return new SandboxError('busy', `Daytona takes too long to ${doing}.`, { nextAction: 'Try again later.' });
}

function nonsense(): SandboxError {
  return new SandboxError(
    'busy',
    'What answers for Daytona is something else, such as the page of a proxy.',
    {
      nextAction: 'Check DAYTONA_API_URL, and whether a proxy is in between; then try again.',
    },
  );
}
