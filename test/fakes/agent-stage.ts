import { pino } from 'pino';
import type { Agent } from '../../server/agent/agent.ts';
import { type AgentEnd, type AroundSteps, runAgent } from '../../server/agent/agent-loop.ts';
import { NOTHING_BESIDE } from '../../server/agent/beside.ts';
import { endTurn } from '../../server/agent/halt.ts';
import { knownFiles } from '../../server/agent/known-files.ts';
import type { CallModel } from '../../server/agent/model.ts';
import { progressOf } from '../../server/agent/progress.ts';
import type { Tool } from '../../server/agent/tools/tool.ts';
import { createTranscript, type Transcript } from '../../server/agent/transcript.ts';
import type { TurnContext } from '../../server/agent/turn-context.ts';
import { createJournal } from '../../server/engine/journal.ts';
import type { ModelChoice } from '../../server/models/choice.ts';
import { createModelHealth } from '../../server/models/health.ts';
import type { NewEvent, TaskEvent } from '../../server/protocol/events.ts';
import type { Sandbox } from '../../server/sandbox/sandbox.ts';
import { createTaskStates } from '../../server/tasks/task-states.ts';
import { createMemoryTask } from '../bench/memory-store.ts';

/** The real loop of one turn's lead, with a log in memory, tools of the test's own and a model that is a function. */
export interface Stage {
  /** Runs the lead from where the log has it, as a relay does that has just claimed the turn. */
  run(around?: AroundSteps): Promise<AgentEnd>;
  /** Ends the turn as a relay does. */
  end(): Promise<void>;
  events(): Promise<TaskEvent[]>;
  /** The person says something while it works. */
  say(text: string): void;
  /** The conversation of the last run. */
  transcript(): Transcript;
}

export interface StageSetting {
  prompt: string;
  tools: readonly Tool[];
  callModel: CallModel;
  /** Tokens. */
  window: number;
  /** The lead's models, the best first, by what sets them apart; absent: one, `fake/large`. */
  models?: readonly Partial<ModelChoice>[];
  maxModelCalls: number;
  /** Files of the workspace, for the rules in it. */
  files?: Record<string, string>;
}

export const TASK = '00000000-0000-4000-8000-000000000001';
export const TURN = '00000000-0000-4000-8000-000000000002';

export async function openStage(setting: StageSetting): Promise<Stage> {
  const { prompt, tools, callModel, window, models = [{}], maxModelCalls, files = {} } = setting;
  const source = { url: 'file:///nowhere', commit: 'c'.repeat(40) };
  const row = {
    ...{ taskId: TASK, spec: { source }, activeTurn: TURN, sandbox: null, prepared: null },
    ...{ archived: false, owner: 'owner', host: null },
  };
  const { log, store, signals, say } = createMemoryTask(row, TURN, prompt);
  const choice: ModelChoice = {
    ...{ baseUrl: 'http://model', model: 'large', ref: 'fake/large', window, price: undefined },
    ...{ abilities: { images: false, pdf: false }, cacheMarkers: false },
  };
  const { signal } = new AbortController();
  const claim = { taskId: TASK, turnId: TURN, epoch: 1, format: 1 };
  // What the loop calls of a turn; all else would fail as not being there.
  const turn = {
    ...{ taskId: TASK, turnId: TURN, claim, log, store, signals, callModel },
    mail: { mayBeThere: true },
    states: createTaskStates(log),
    journal: createJournal({ draining: signal, frozen: signal }),
    models: (role: string) =>
      role === 'small'
        ? [{ ...choice, model: 'small', ref: 'fake/small' }]
        : models.map((more) => ({ ...choice, ...more })),
    health: createModelHealth(Date.now),
    spend: { caps: () => undefined },
    beside: NOTHING_BESIDE,
    takeMachineNews: () => [],
    hide: (_taskId: string, text: string) => text,
    now: Date.now,
    random: () => 0,
    onEnded: () => {},
    logger: pino({ level: 'silent' }),
  } as unknown as TurnContext;
  const sandbox = {
    workdir: '/workspace',
    glob: async () => ({ matches: Object.keys(files), truncated: false }),
    async readFile(path: string) {
      const data = Buffer.from(files[path] ?? '');
      return { data, size: data.byteLength, sha256: '' };
    },
  } as unknown as Sandbox;
  const tell = async (key: string, event: NewEvent): Promise<void> => {
    await log.append(TASK, null, [{ key, event }]);
  };
  await tell('created', {
    type: 'task.created',
    taskId: TASK,
    title: 'A long task',
    source: { repository: 'r', commit: source.commit, overlay: [] },
  } as unknown as NewEvent);
  await tell(`${TURN}:started`, { type: 'turn.started', turnId: TURN });

  let transcript = createTranscript();
  return {
    async run(around) {
      const events = await log.read(TASK, 0, Infinity);
      transcript = createTranscript();
      transcript.addAll(events);
      const agent: Agent = {
        ...{ id: TURN, by: {}, isLead: true, depth: 0, instructions: 'You work on a long task.' },
        ...{ modelRole: 'lead', model: undefined, tools, maxModelCalls },
        files: knownFiles(events, undefined),
        open: async () => sandbox,
        signal: async () => signal,
      };
      return runAgent(turn, agent, transcript, progressOf(events, TURN, undefined), around);
    },
    end: async () => void (await endTurn(turn, { outcome: 'completed' })),
    events: () => log.read(TASK, 0, Infinity),
    say: (text) => say('more', text),
    transcript: () => transcript,
  };
}
