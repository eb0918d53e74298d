import type { Failure } from '../protocol/errors.ts';
import type { TaskEvent } from '../protocol/events.ts';
import type { Rewritten } from '../repo/rewritten-tree.ts';
import type { Agent } from './agent.ts';
import { captureStep } from './capture-step.ts';
import type { Progress } from './progress.ts';
import { mayWrite, type ToolCall } from './tool-call.ts';
import { bash } from './tools/bash.ts';
import { TASK } from './tools/task.ts';
import type { TurnContext } from './turn-context.ts';

/** The workspace's tree as the relay fetches it while a lead works there: after each answer that changed something. */
export interface Captures {
  /** What the workspace held when it was last looked at. */
  tree(): string;
  /** Whether one is under way, in which nothing may change the workspace. */
  isUnderWay(): boolean;
  /** Hears what a call has rewritten. */
  rewrote(callId: string, file: Rewritten): void;
  /**
   * Begins one, which overlaps what follows.
   * @param place unique in the turn
   * @param writing the calls that alone can have changed something since the last one; absent: whatever may have
   */
  begin(place: string, writing?: readonly ToolCall[]): void;
  /** Waits for the one under way. @returns why it failed, if it did */
  settled(): Promise<Failure | undefined>;
}

/** @param known what the workspace is known to hold */
export function createCaptures(turn: TurnContext, baseTree: string, known: string): Captures {
  let tree = known;
  /** What the machine itself was last seen to hold: it has never heard of a tree that was worked out here. */
  let seen = known;
  let capturing: ReturnType<typeof captureStep> | undefined;
  /** Whether `tree` is all that there was: a capture that failed leaves something in the workspace that nobody knows. */
  let isWhole = true;
  const rewritten = new Map<string, Rewritten>();
  /** Undefined where something else may have been changed, besides: by another tool, by a hook, before a restart. */
  const filesOf = (writing: readonly ToolCall[] = []): Rewritten[] | undefined => {
    const files = writing.flatMap(({ callId }) => rewritten.get(callId) ?? []);
    rewritten.clear();
    const isAll = files.length > 0 && files.length === writing.length;
    return isAll && isWhole && turn.beside.hooks.length === 0 ? files : undefined;
  };
  return {
    tree: () => tree,
    isUnderWay: () => capturing !== undefined,
    rewrote: (callId, file) => void rewritten.set(callId, file),
    begin(place, writing) {
      const files = filesOf(writing);
      capturing = turn.journal.step(`${turn.turnId}:capture:${place}`, () =>
        captureStep(turn, place, baseTree, { tree, seen, files }),
      );
      // Whoever waits for it hears of a failure; where a step in between failed first, nobody does.
      capturing.catch(() => {});
    },
    async settled() {
      const result = await capturing;
      capturing = undefined;
      if (result) isWhole = result.kind === 'captured';
      if (result?.kind === 'captured') {
        tree = result.headTree;
        if (result.isSeen) seen = tree;
      }
      return result?.kind === 'failed' ? result.failure : undefined;
    },
  };
}

/**
 * Whether what a killed relay left is to be captured before the turn goes on. Nothing begins to write while a capture is under way, so
 * where something has begun, all before it is there; where nothing has, and a change was made in the turn, that may be missing.
 */
export function isCaptureDue(
  events: readonly TaskEvent[],
  agent: Agent,
  { unfinished, calls }: Progress,
): boolean {
  const begun = new Set(events.flatMap((event) => (event.type === 'tool.started' ? [event.callId] : [])));
  // A shell that only looks, and one of a subagent's, put back what they changed: until then it is nobody's work.
  const settling = unfinished.filter(
    (call) => mayWrite(agent, call) || call.name === TASK || call.name === bash.name,
  );
  if (settling.some(({ callId }) => begun.has(callId))) return false;
  // After the calls of an answer that have all ended one is made anyway, where they wrote.
  if (unfinished.length === 0 && calls.some((call) => mayWrite(agent, call))) return false;
  return events.some((event) => event.type === 'tool.finished' && event.agentId === agent.by.agentId);
}
