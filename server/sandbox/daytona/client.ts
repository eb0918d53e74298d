import { setTimeout as sleep } from 'node:timers/promises';
import type { Daytona } from '@daytonaio/sdk';
import { SandboxError } from '../sandbox.ts';
import { failureOf, toSandboxError } from './failures.ts';
import { loadDaytona } from './load.ts';

/** Time, and chance: tests have their own. */
export interface Clock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** From 0 to below 1. */
  random(): number;
}

export const realClock: Clock = {
  now: Date.now,
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
  random: Math.random,
};

/** How often something is asked before the person is. */
const ATTEMPTS = 5;
/** The first wait (ms) after no answer; each one after it is twice as long. */
const FIRST_WAIT = 500;
/** What the vendor asks for is granted up to this (ms, in all): longer, and whoever waits is told. */
const LONGEST_WAIT = 60_000;
/** Of a wait, how much chance adds at most, so that many do not come back in the same moment. */
const JITTER = 0.25;
/** Milliseconds that the SDK has beyond its own time limits, which do not see an answer that trickles. */
const SLACK = 5_000;

export interface ClientOptions {
  apiKey: string | undefined;
  /** Absent: the vendor's own service. */
  apiUrl: string | undefined;
  /** Region. Absent: the organization's default. */
  target: string | undefined;
  clock: Clock;
  /** Milliseconds for one request. */
  requestMs: number;
}

export interface AskOptions {
  /** False where a second one would do harm, or the caller looks for itself what became of the first. */
  repeat?: boolean;
  /** Milliseconds for this one. */
  patience?: number;
}

/** The vendor, asked with patience and never for ever. */
export interface Client {
  readonly clock: Clock;
  /** Milliseconds for one request. */
  readonly requestMs: number;
  /** Ends with `close`. */
  readonly closing: AbortSignal;
  /**
   * @param doing such as `start the sandbox`
   * @throws SandboxError `busy`, `unavailable`, `not-found`, `exists` (also: is being changed) or `failed`
   */
  ask<T>(doing: string, work: (daytona: Daytona) => Promise<T>, options?: AskOptions): Promise<T>;
  close(): void;
}

const OWN_SERVICE = 'https://app.daytona.io/api';

export function createClient({ apiKey, apiUrl, target, clock, requestMs }: ClientOptions): Client {
  const closed = new AbortController();
  let opening: Promise<Daytona> | undefined;

  const open = (): Promise<Daytona> => {
    if (apiKey === undefined) throw withoutKey();
    opening ??= openWith(apiKey).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  const openWith = async (key: string): Promise<Daytona> => {
    const { openDaytona } = await loadDaytona();
    return openDaytona({
      apiKey: key,
      // Named here always: what is not, the SDK looks for in a file of the working directory.
      apiUrl: apiUrl ?? OWN_SERVICE,
      ...(target === undefined ? {} : { target }),
      requestTimeoutMs: requestMs,
    });
  };

  const once = async <T>(work: (daytona: Daytona) => Promise<T>, patience: number): Promise<T> => {
    const daytona = await open();
    const over = new AbortController();
    const running = work(daytona);
    // Nobody hears what it says after its time.
    running.catch(() => {});
    try {
      return await Promise.race([
        running,
        timeUp(patience + SLACK, AbortSignal.any([over.signal, closed.signal])),
      ]);
    } finally {
      over.abort();
    }
  };

  return {
    clock,
    requestMs,
    closing: closed.signal,
    close: () => closed.abort(),

    async ask(doing, work, { repeat = true, patience = requestMs } = {}) {
      let waited = 0;
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await once(work, patience);
        } catch (error) {
          if (error instanceof SandboxError) throw error;
          if (closed.signal.aborted) throw new SandboxError('cancelled', 'The relay is closing.');
          const failure = failureOf(error, apiKey === undefined ? [] : [apiKey], clock.now());
          const again = failure.kind === 'patience' || (repeat && failure.kind === 'down');
          const wait = failure.retryAfter ?? FIRST_WAIT * 2 ** (attempt - 1);
          waited += wait;
          if (!again || attempt === ATTEMPTS || waited > LONGEST_WAIT) throw toSandboxError(failure, doing);
          await clock.sleep(wait * (1 + JITTER * clock.random()), closed.signal).catch(() => {});
        }
      }
    },
  };
}

async function timeUp(ms: number, signal: AbortSignal): Promise<never> {
  await sleep(ms, undefined, { signal });
  const error = new Error('it took too long');
  error.name = 'DaytonaTimeoutError';
  throw error;
}

function withoutKey(): SandboxError {
  return new SandboxError('unavailable', 'There is no key for Daytona.', {
    nextAction: 'Set DAYTONA_API_KEY to a key of your Daytona organization, or HANDOFF_SANDBOX=local.',
  });
}

/**
 * Asks something of a machine that Daytona says runs. A refusal then is no word on the request: the machine is just stopping, or not
 * quite there yet, and whoever asked looks at its state, or tries again.
 */
export async function askRunning<T>(
  client: Client,
  doing: string,
  work: () => Promise<T>,
  options?: AskOptions,
): Promise<T> {
  try {
    return await client.ask(doing, work, options);
  } catch (error) {
    const isRefusal = error instanceof SandboxError && ['failed', 'not-found', 'exists'].includes(error.code);
    if (!isRefusal) throw error;
    throw new SandboxError('busy', error.message, {
      cause: error.cause,
      nextAction: 'Try again in a minute.',
    });
  }
}
