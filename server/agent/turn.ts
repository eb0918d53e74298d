import { type Claim, TURN_FORMAT } from '../engine/claims.ts';
import { HandedOver, type Journal } from '../engine/journal.ts';
import { toFailure } from '../errors.ts';
import { atTurnEnd } from '../hooks/run-hooks.ts';
import type { Failure } from '../protocol/errors.ts';
import { readAll } from '../tasks/event-log.ts';
import { workspaceTreeOf } from '../tasks/next-proposal.ts';
import { TurnOver } from '../tasks/turn-signals.ts';
import type { Agent } from './agent.ts';
import { runAgent } from './agent-loop.ts';
import { factsIn } from './agents/facts.ts';
import { readOnlyShell } from './agents/read-only-shell.ts';
import { rolesFor, rolesOf } from './agents/roles.ts';
import { runSubagent } from './agents/run.ts';
import { NOTHING_BESIDE, openBeside } from './beside.ts';
import { type CaptureStep, captureStep } from './capture-step.ts';
import { endTurn, killProcesses, parkTurn, type TurnEnd } from './halt.ts';
import { knownFiles } from './known-files.ts';
import { inMode, modeOf, noPlan, refusedBy } from './plan-mode.ts';
import { type PrepareStep, prepareStep } from './prepare-step.ts';
import { progressOf } from './progress.ts';
import { instructionsFor } from './prompt.ts';
import { standing } from './standing.ts';
import { mayWrite } from './tool-call.ts';
import { bash } from './tools/bash.ts';
import { leadTools, skillTools } from './tools/registry.ts';
import { TASK } from './tools/task.ts';
import { createTranscript } from './transcript.ts';
import { isOutOfHands, type TurnContext, type TurnDeps, tell } from './turn-context.ts';
import { noChange, treeAtStart } from './watch/no-change.ts';

/** Model calls in one turn, at most: a loop that got this far is lost. */
const MAX_MODEL_CALLS = 300;

/**
 * One user message and all that the agent does about it. A turn is run under a claim, until it has ended, is parked for an answer of
 * the person, or is handed back by a relay that ends; and is continued under the next claim, here or elsewhere. It begins each
 * time with what the log has of it, so a fresh turn, one whose relay was killed and one that was parked for days are the same case.
 */
export function createTurn(deps: TurnDeps): (journal: Journal, claim: Claim) => Promise<void> {
  return async (journal, claim) => {
    const { taskId, turnId } = claim;
    const turn: TurnContext = {
      ...deps,
      taskId,
      turnId,
      claim,
      journal,
      mail: { mayBeThere: true },
      beside: NOTHING_BESIDE,
    };
    try {
      await run(turn);
    } catch (error) {
      if (error instanceof TurnOver) return;
      if (isOutOfHands(error)) throw error;
      deps.logger.error({ taskId, turnId, err: error }, 'the turn failed unexpectedly');
      await endTurn(turn, { outcome: 'failed', error: toFailure(error) });
    } finally {
      deps.signals.release(claim);
    }
  };
}

async function run(turn: TurnContext): Promise<void> {
  const { turnId, claim, journal } = turn;
  if (claim.format > TURN_FORMAT)
    return void (await endTurn(turn, { outcome: 'failed', error: INCOMPATIBLE }));
  await sayThatItGoesOn(turn);
  const prepared = await journal.step(`${turnId}:prepare`, () => prepareStep(turn));
  if (prepared.kind === 'failed')
    return void (await endTurn(turn, { outcome: 'failed', error: prepared.failure }));
  if (prepared.kind === 'stopped') return void (await endTurn(turn, { outcome: 'stopped' }));

  turn.beside = await openBeside(turn);
  try {
    // Once, but for a message that comes while the turn would end, or an answer while it would park: then it goes on from the log.
    let isAgain = false;
    while (!(await runLead(turn, prepared, isAgain))) isAgain = true;
  } catch (error) {
    // What is under way with them would fail for that, and be told so; the end of the relay is theirs, too.
    if (error instanceof HandedOver) turn.beside = NOTHING_BESIDE;
    throw error;
  } finally {
    void turn.beside.servers.close();
  }
}

/**
 * Runs the lead from where the log has it.
 * @param isAgain it had finished, and something was said to it since
 * @returns whether the turn halted, ended or parked
 */
async function runLead(
  turn: TurnContext,
  prepared: Extract<PrepareStep, { kind: 'ready' }>,
  isAgain: boolean,
): Promise<boolean> {
  const { taskId, turnId, journal } = turn;
  const { baseTree } = prepared;
  turn.mail.mayBeThere = true;
  // What is told by now is in the log, and told by that.
  turn.takeMachineNews(taskId);
  const events = await readAll(turn.log, taskId);
  const transcript = createTranscript();
  transcript.addAll(events);
  const state = await turn.states.current(taskId);
  let headTree = workspaceTreeOf(state, baseTree);
  /** Whether it may have been told what a change makes stale: then it hears of that with its next call, and not one later. */
  let mayHaveFacts = factsIn(state, undefined).length > 0;

  let capturing: Promise<CaptureStep> | undefined;
  const capture = (place: string): Promise<CaptureStep> =>
    journal.step(`${turnId}:capture:${place}`, () => captureStep(turn, place, baseTree, headTree));
  /** Waits for the capture that overlapped the model's call, before anything may change the workspace again. */
  const captured = async (): Promise<Failure | undefined> => {
    const result = await capturing;
    capturing = undefined;
    if (result?.kind === 'captured') headTree = result.headTree;
    return result?.kind === 'failed' ? result.failure : undefined;
  };

  const { agentsMd, roles } = prepared.handbook;
  const crew = { roles: rolesOf(roles), agentsMd };
  let mode = modeOf(events, turnId);
  const lead: Agent = {
    id: turnId,
    by: {},
    isLead: true,
    depth: 0,
    instructions: instructionsFor(prepared),
    handbook: prepared.handbook,
    modelRole: 'lead',
    model: prepared.model,
    tools: [
      ...leadTools(rolesFor(crew.roles, 'lead', { depth: 0 })).map((tool) =>
        tool.name === bash.name ? inMode(() => mode, tool, readOnlyShell(turn)) : tool,
      ),
      ...(prepared.handbook.skills.length === 0 ? [] : skillTools),
      ...turn.beside.servers.tools,
    ],
    files: knownFiles(standing(events), undefined),
    maxModelCalls: MAX_MODEL_CALLS,
    open: () => turn.sandboxes.open(taskId),
    signal: () => turn.signals.of(turn.claim),
    heard: (message) => {
      mode = message.mode ?? mode;
    },
    refuses: (tool, input) => refusedBy(mode, tool, input),
    delegate: (running, callId, order) =>
      runSubagent(running, crew, { agent: lead, kind: 'lead' }, callId, order),
  };
  const progress = progressOf(events, turnId, undefined);
  if (isAgain) progress.lastWords = undefined;
  const firstTree = progress.answers === 0 ? headTree : treeAtStart(events, turnId, baseTree);
  const end = await runAgent(turn, lead, transcript, progress, {
    acted: (n, calls) => {
      mayHaveFacts ||= calls.some(({ name }) => name === TASK);
      if (!calls.some((call) => mayWrite(lead, call))) return;
      capturing = capture(String(n));
      // Whoever awaits it hears of a failure; where a step in between failed first, nobody does.
      capturing.catch(() => {});
    },
    next: async () => {
      const lost = mayHaveFacts ? await captured() : undefined;
      return lost && { kind: 'failed', failure: lost };
    },
    // What only reads may do so while the tree is captured.
    answered: async (calls) => (calls.some((call) => mayWrite(lead, call)) ? captured() : undefined),
    objects: async () => {
      const unplanned = noPlan(mode, events, turnId, progress.watch);
      if (unplanned) return unplanned;
      if (!progress.watch.hasWritten()) return undefined;
      const lost = await captured();
      if (lost) return { kind: 'failed', failure: lost };
      return noChange(progress.watch, headTree === firstTree);
    },
  });

  const lost = await captured();
  if (lost) return finish({ outcome: 'failed', error: lost });
  switch (end.kind) {
    case 'asked':
      return journal.step(`${turnId}:park`, () => parkTurn(turn));
    case 'completed':
      return finish({ outcome: 'completed' });
    case 'stopped':
      return finish({ outcome: 'stopped' });
    case 'failed':
      return finish({ outcome: 'failed', error: end.failure });
  }

  /**
   * Whatever still runs in the sandbox is killed, and what the workspace then holds is kept, before the turn ends: the
   * proposal is what is there, and stays so. A person who stops a turn does not wait for that: what follows the turn's end
   * keeps it. False where the turn goes on with a message that came meanwhile.
   */
  async function finish(how: TurnEnd): Promise<boolean> {
    if (how.outcome === 'completed' && turn.beside.hooks.length > 0) {
      const { answers } = progress;
      await journal.step(`${turnId}:hooks:${answers}`, () => atTurnEnd(turn, lead, answers));
    }
    await journal.step(`${turnId}:kill`, () => killProcesses(turn));
    if (how.outcome !== 'stopped') await capture(`last:${progress.answers}`);
    return journal.step(`${turnId}:end`, () => endTurn(turn, how));
  }
}

/** Where the person was told that it waits, they are told that it does no more. */
async function sayThatItGoesOn(turn: TurnContext): Promise<void> {
  const { taskId, turnId, claim } = turn;
  const { turns } = await turn.states.current(taskId);
  if (turns.findLast((known) => known.turnId === turnId)?.waiting === undefined) return;
  await tell(turn, {
    key: `${turnId}:continued:${claim.epoch}`,
    event: { type: 'turn.continued', turnId },
  });
}

const INCOMPATIBLE: Failure = {
  code: 'interrupted',
  message: 'The turn was begun by a newer version of the relay, whose record this one cannot go on from.',
  nextAction: 'What it had done is kept. Send a message to go on, or start the newer version again.',
};
