import { atTurnEnd } from '../hooks/run-hooks.ts';
import type { Mode } from '../protocol/commands.ts';
import type { TaskEvent } from '../protocol/events.ts';
import { readAll } from '../tasks/event-log.ts';
import { workspaceTreeOf } from '../tasks/next-proposal.ts';
import type { Agent } from './agent.ts';
import { type AgentEnd, runAgent } from './agent-loop.ts';
import { factsIn } from './agents/facts.ts';
import { readOnlyShell } from './agents/read-only-shell.ts';
import { rolesFor, rolesOf } from './agents/roles.ts';
import { runSubagent } from './agents/run.ts';
import { type Captures, createCaptures, isCaptureDue } from './captures.ts';
import { endTurn, killProcesses, parkTurn, type TurnEnd } from './halt.ts';
import { knownFiles } from './known-files.ts';
import { inMode, modeOf, noPlan, refusedBy } from './plan-mode.ts';
import type { PrepareStep } from './prepare-step.ts';
import { progressOf } from './progress.ts';
import { instructionsFor } from './prompt.ts';
import { mindRefused } from './refused-files.ts';
import { standing } from './standing.ts';
import { mayWrite, type ToolCall } from './tool-call.ts';
import { bash } from './tools/bash.ts';
import { leadTools, skillTools } from './tools/registry.ts';
import { TASK } from './tools/task.ts';
import { createTranscript } from './transcript.ts';
import type { TurnContext } from './turn-context.ts';
import { noChange, treeAtStart } from './watch/no-change.ts';

/** Model calls in one turn, at most: a loop that got this far is lost. */
const MAX_MODEL_CALLS = 300;

/**
 * Runs the lead from where the log has it.
 * @param isAgain it had finished, and something was said to it since
 * @returns whether the turn halted, ended or parked
 */
export async function runLead(
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
  const captures = createCaptures(turn, baseTree, workspaceTreeOf(state, baseTree));
  /** Whether it may have been told what a change makes stale: then it hears of that with its next call, and not one later. */
  let mayHaveFacts = factsIn(state, undefined).length > 0;
  let mode = modeOf(events, turnId);
  const lead = leadOf(turn, prepared, { modeNow: () => mode, captures });
  lead.files = knownFiles(standing(events), undefined);
  lead.heard = (message) => {
    mode = message.mode ?? mode;
  };
  const progress = progressOf(events, turnId, undefined);
  if (isAgain) progress.lastWords = undefined;
  else if (isCaptureDue(eventsOf(events, turnId), lead, progress))
    captures.begin(`again:${turn.claim.epoch}`);
  const firstTree = progress.answers === 0 ? captures.tree() : treeAtStart(events, turnId, baseTree);
  const work = mindRefused(captures, progress.watch);

  // What is left of the last answer may write, and what was changed before it has to be captured first.
  const late = await work.settled();
  const end: AgentEnd = late
    ? { kind: 'failed', failure: late }
    : await runAgent(turn, lead, transcript, progress, {
        acted: (n, calls) => {
          mayHaveFacts ||= calls.some(({ name }) => name === TASK);
          const writing = calls.filter((call) => mayWrite(lead, call));
          if (writing.length > 0) captures.begin(String(n), writing);
        },
        next: async () => {
          const lost = mayHaveFacts ? await work.settled() : undefined;
          return lost ? { kind: 'failed', failure: lost } : work.news();
        },
        answered: async (calls) => (mustWait(lead, calls) ? work.settled() : undefined),
        objects: async () => {
          const unplanned = noPlan(mode, events, turnId, progress.watch);
          if (unplanned) return unplanned;
          const lost = await work.settled();
          if (lost) return { kind: 'failed', failure: lost };
          return work.atEnd() ?? noChange(progress.watch, captures.tree() === firstTree);
        },
      });

  const lost = await work.settled();
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
    if (how.outcome !== 'stopped') {
      captures.begin(`last:${progress.answers}`);
      const unkept = await captures.settled();
      if (unkept && how.outcome === 'completed') {
        return journal.step(`${turnId}:end`, () => endTurn(turn, { outcome: 'failed', error: unkept }));
      }
    }
    return journal.step(`${turnId}:end`, () => endTurn(turn, how));
  }
}

/** What is not done while the tree is captured: what writes, and what captures it itself, as a shell that only looks does. */
const mustWait = (lead: Agent, calls: readonly ToolCall[]): boolean =>
  calls.some((call) => mayWrite(lead, call) || call.name === TASK || call.name === bash.name);

const eventsOf = (events: readonly TaskEvent[], turnId: string): TaskEvent[] =>
  events.filter((event) => 'turnId' in event && event.turnId === turnId);

/** Who leads a turn, as it begins: knowing no file, and deaf to how it is to work from now on. */
function leadOf(
  turn: TurnContext,
  prepared: Extract<PrepareStep, { kind: 'ready' }>,
  { modeNow, captures }: { modeNow: () => Mode; captures: Captures },
): Agent {
  const { taskId, turnId } = turn;
  const { agentsMd, roles, skills } = prepared.handbook;
  const crew = { roles: rolesOf(roles), agentsMd };
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
        tool.name === bash.name ? inMode(modeNow, tool, readOnlyShell(turn)) : tool,
      ),
      ...(skills.length === 0 ? [] : skillTools),
      ...turn.beside.servers.tools,
    ],
    files: knownFiles([], undefined),
    maxModelCalls: MAX_MODEL_CALLS,
    open: () => turn.sandboxes.open(taskId),
    signal: () => turn.signals.of(turn.claim),
    rewrote: captures.rewrote,
    refuses: (tool, input) => refusedBy(modeNow(), tool, input),
    // Who waits for the capture that is under way has not begun before: see `isCaptureDue`.
    mayBegin: (calls) => !captures.isUnderWay() || !mustWait(lead, calls),
    delegate: (running, callId, order) =>
      runSubagent(running, crew, { agent: lead, kind: 'lead' }, callId, order),
  };
  return lead;
}
