import * as z from 'zod';
import type { ExecResult, Sandbox } from '../sandbox/sandbox.ts';
import type { Tell } from './events.ts';
import { endOf, lastOf } from './printed.ts';
import { readRecord, writeRecord } from './record.ts';

/** What is run once in every new machine, before anybody works on it. */
export interface SetupPlan {
  /** Stages one after the other; the commands of a stage side by side, each as argv. */
  stages: string[][][];
  /** Milliseconds for all of it. */
  timeoutMs: number;
  /** Of everything that decides what it comes to; hex. */
  key: string;
  /** For the person. */
  command: string;
}

export interface SetupResult {
  outcome: 'passed' | 'failed';
  /** The end of what it printed. */
  output: string;
}

export interface SetupDeps {
  /**
   * Takes out of the workspace what setup wrote into it and what is not ignored: it would be taken for the agent's work. Called
   * with nothing running that setup left.
   */
  putBack: (sandbox: Sandbox) => Promise<void>;
  tell: Tell;
  /** Names the machine among all that the task has had: in each it is told anew. */
  machine: string;
  signal: AbortSignal;
}

/** Begins the ids of its commands. */
const PREFIX = 'setup:';
/** Bytes of what each command prints, and characters of what is told and kept of all. */
const MAX_OUTPUT = 32 * 1024;
const MAX_TOLD = 8 * 1024;
/** How often it is begun again where the machine or the person stopped it in the middle. */
const MOST_ATTEMPTS = 50;

/** How it ended, kept in the machine, so that whatever is made from the machine has it, too. */
export const SETUP_RECORD = 'setup';
const SetupRecord = z.object({ outcome: z.enum(['passed', 'failed']), output: z.string() });

/** Output in the order in which it came. */
const BOTH_STREAMS = 'exec "$@" 2>&1';

/**
 * Runs it, or attaches to it where a relay that died had begun; a machine in which it was done answers from its record, and so does
 * one that was made from such a machine. Once in a machine, whatever has changed since: somebody works there by then, and putting
 * back would take their work. A setup that fails is no error: work goes on without what it would have made.
 */
export async function runSetup(sandbox: Sandbox, setup: SetupPlan, deps: SetupDeps): Promise<SetupResult> {
  const { tell } = deps;
  const own = `${PREFIX}${deps.machine}`;
  const record = await readRecord(sandbox, SETUP_RECORD);
  if (record !== undefined) {
    const done = resultOf(record);
    const { outcome, output } = done;
    // Where it was told in this machine before, this is the same event, and changes nothing.
    const told = { type: 'setup.finished' as const, key: setup.key, output, durationMs: 0 };
    await tell({
      key: `${own}:finished`,
      event: { ...told, outcome: outcome === 'passed' ? 'cached' : 'failed' },
    });
    return done;
  }
  await tell({
    key: `${own}:started`,
    event: { type: 'setup.started', command: setup.command, key: setup.key },
  });
  const { durationMs, ...result } = await untilItEnds(sandbox, setup, deps.signal);
  await sandbox.killAll(PREFIX);
  await deps.putBack(sandbox);
  await tell({
    key: `${own}:finished`,
    event: { type: 'setup.finished', key: setup.key, ...result, durationMs: Math.round(durationMs) },
  });
  await writeRecord(sandbox, SETUP_RECORD, JSON.stringify(result));
  return result;
}

type Ended = SetupResult & { durationMs: number };

/** An attempt that was cut off is recorded as such in the machine, and the next has another name. */
async function untilItEnds(sandbox: Sandbox, setup: SetupPlan, signal: AbortSignal): Promise<Ended> {
  for (let attempt = 1; ; attempt += 1) {
    const { isCutOff, ...ended } = await runStages(sandbox, setup, attempt, signal);
    signal.throwIfAborted();
    if (!isCutOff || attempt === MOST_ATTEMPTS) return ended;
  }
}

async function runStages(
  sandbox: Sandbox,
  { stages, timeoutMs }: SetupPlan,
  attempt: number,
  signal: AbortSignal,
): Promise<Ended & { isCutOff: boolean }> {
  const texts: string[] = [];
  let durationMs = 0;
  for (const [stage, commands] of stages.entries()) {
    const results = await Promise.all(
      commands.map((argv, index) =>
        sandbox.exec(
          {
            execId: `${PREFIX}${sandbox.ref.id}:${attempt}:${stage}:${index}`,
            argv: ['bash', '-c', BOTH_STREAMS, 'setup', ...argv],
            timeoutMs: Math.max(1, timeoutMs - Math.round(durationMs)),
            maxOutputBytes: MAX_OUTPUT,
          },
          { signal },
        ),
      ),
    );
    durationMs += Math.max(0, ...results.map((result) => result.durationMs));
    texts.push(...results.map((result) => describe(result, timeoutMs)).filter((text) => text !== ''));
    const failed = results.find(({ reason, exitCode }) => reason !== 'exit' || exitCode !== 0);
    if (failed === undefined) continue;
    const output = lastOf(texts.join('\n'), MAX_TOLD);
    const isCutOff = failed.reason === 'lost' || failed.reason === 'cancelled';
    return { outcome: 'failed', output, durationMs, isCutOff };
  }
  return { outcome: 'passed', output: lastOf(texts.join('\n'), MAX_TOLD), durationMs, isCutOff: false };
}

function describe({ stdout, stderr, exitCode, reason }: ExecResult, timeoutMs: number): string {
  const ending = {
    exit: exitCode === null ? '[ended by a signal]' : exitCode === 0 ? '' : `[exit code ${exitCode}]`,
    timeout: `[stopped: setup has ${timeoutMs} ms]`,
    cancelled: '[stopped]',
    lost: '[the sandbox stopped while this ran]',
  }[reason];
  return [endOf(stdout), endOf(stderr), ending].filter((part) => part !== '').join('\n');
}

/** Whoever works in the machine can write this, and harms nobody else. Whatever it says, setup is over. */
function resultOf(record: string): SetupResult {
  try {
    const { outcome, output } = SetupRecord.parse(JSON.parse(record));
    return { outcome, output: output.slice(-MAX_TOLD) };
  } catch {
    return { outcome: 'failed', output: 'How it ended is not known any more: its record was changed.' };
  }
}
