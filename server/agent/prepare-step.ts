import { AppError, toFailure } from '../errors.ts';
import type { Failure } from '../protocol/errors.ts';
import type { SandboxState } from '../protocol/events.ts';
import { errorCodeOf, SandboxError } from '../sandbox/sandbox.ts';
import type { KeyedEvent } from '../tasks/event-log.ts';
import type { Prepared, TaskRow } from '../tasks/task-store.ts';
import { EMPTY_HANDBOOK, type Handbook } from './handbook.ts';
import { expansionsOf } from './message-expansions.ts';
import type { MachineFacts } from './prompt.ts';
import { readRules } from './read-handbook.ts';
import { isOutOfHands, isStopped, type TurnContext, tell } from './turn-context.ts';
import { workspaceStep } from './workspace-step.ts';

export type PrepareStep =
  | {
      kind: 'ready';
      baseTree: string;
      machine: MachineFacts;
      handbook: Handbook;
      model: string | undefined;
    }
  | { kind: 'failed'; failure: Failure }
  | { kind: 'stopped' };

/** Fetches the source, and wakes or makes the sandbox with the source in it: each only if that was not done before. */
export async function prepareStep(turn: TurnContext): Promise<PrepareStep> {
  const { taskId, turnId, store } = turn;
  const signal = await turn.signals.of(turn.claim);
  const sandboxIs = (state: SandboxState, detail?: string): Promise<void> =>
    tell(turn, {
      key: `${turnId}:sandbox:${state}:${detail ?? ''}`,
      event: { type: 'sandbox.changed', state, ...(detail === undefined ? {} : { detail }) },
    });
  let isOpening = false;
  try {
    const row = await store.get(taskId);
    if (!row) throw new AppError('not_found', 'The task is gone.');
    if (!row.sandbox) await sandboxIs('provisioning', 'Fetching the repository');
    const prepared = row.prepared ?? (await fetchSource(turn, row, signal));
    await turn.repo.settleBase(taskId, prepared);
    if (!row.sandbox) await sandboxIs('provisioning', 'Starting the sandbox');
    isOpening = true;
    const sandbox = await turn.sandboxes.reopen(taskId, signal);
    isOpening = false;
    if ((await turn.states.current(taskId)).sandbox?.state !== 'running') await sandboxIs('running');
    await workspaceStep(turn, sandbox, prepared.baseTree);
    // Read once in a turn: every request of it begins the same, so that provider caches hit, also after a restart.
    const { rules, notes } = await store.memo(taskId, `${turnId}:rules`, async () => ({
      rules: await readRules(sandbox, (text) => turn.hide(taskId, text)),
      notes: turn.machineNotes(taskId),
    }));
    const handbook = { ...EMPTY_HANDBOOK, ...rules, ...(await handbookOf(turn, prepared.baseTree)) };
    await tell(turn, ...problemEvents(handbook), ...(await expansionsOf(turn, handbook.commands)));
    return {
      kind: 'ready',
      baseTree: prepared.baseTree,
      machine: { workdir: sandbox.workdir, network: sandbox.caps.network, notes },
      handbook,
      model: row.spec.model,
    };
  } catch (error) {
    if (isOutOfHands(error)) throw error;
    if (await isStopped(turn)) return { kind: 'stopped' };
    turn.logger.error({ taskId, turnId, err: error }, 'the task could not be prepared');
    // Nothing is wrong with a sandbox whose source could not be fetched.
    if (isOpening || error instanceof SandboxError) await sandboxIs('failed');
    return { kind: 'failed', failure: toFailure(inOurWords(error)) };
  }
}

async function fetchSource(
  { store, repo }: TurnContext,
  row: TaskRow,
  signal: AbortSignal,
): Promise<Prepared> {
  const { taskId, spec } = row;
  const source = { ...spec.source, overlay: await store.overlay(taskId) };
  const prepared = await repo.prepare(taskId, source, signal);
  await store.setPrepared(taskId, prepared);
  return prepared;
}

/** A repository that was meant to be read and cannot be now is one without a handbook: the work goes on. */
async function handbookOf(turn: TurnContext, baseTree: string) {
  try {
    return await turn.handbookOf(turn.taskId, baseTree);
  } catch (error) {
    turn.logger.warn({ taskId: turn.taskId, err: error }, 'the handbook could not be read');
    return undefined;
  }
}

/** What of the handbook is wrong is told once in a task. */
const problemEvents = ({ problems }: Handbook): KeyedEvent[] =>
  problems.map((text) => ({
    key: `handbook:${text}`,
    event: { type: 'environment.noted', text },
  }));

/** A sandbox's failure as the rest of the relay speaks of it. */
export function inOurWords(error: unknown): unknown {
  if (!(error instanceof SandboxError)) return error;
  return new AppError(errorCodeOf(error.code), error.message, {
    cause: error,
    ...(error.nextAction === undefined ? {} : { nextAction: error.nextAction }),
  });
}
