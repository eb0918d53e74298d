import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply, Scenario, Step, ToolCall } from '../fakes/model/script.ts';
import { filePath, folderPath, lineOf } from './repository.ts';

/** What the loop does in turn. */
export const KINDS = ['read', 'edit', 'bash', 'grep'] as const;
export type Kind = (typeof KINDS)[number];

/** The tool of the `k`th step, from 0. */
export const kindOf = (k: number): Kind => KINDS[k % KINDS.length] ?? 'read';

/** Its call; each step has a file of its own, but for an edit, which is of the file that was just read. @param readLines absent: the whole file */
function callOf(k: number, readLines?: number): ToolCall {
  const path = filePath(k);
  const calls: Record<Kind, ToolCall> = {
    read: { name: 'read', arguments: { path, ...(readLines === undefined ? {} : { limit: readLines }) } },
    edit: {
      name: 'edit',
      arguments: { path: filePath(k - 1), oldText: lineOf(k - 1, 0), newText: lineOf(k - 1, 1) },
    },
    bash: { name: 'bash', arguments: { command: 'true' } },
    grep: { name: 'grep', arguments: { pattern: `revision${k} = `, path: folderPath(k) } },
  };
  return calls[kindOf(k)];
}

const DONE: Reply = { text: 'Done.' };

/** A model that takes so many steps, one tool call each, and then ends. */
export function loop(
  steps: number,
  options: {
    /** How long (ms) it thinks before each answer: 0 is the stated worst case, where nothing can overlap it. */
    thinkMs?: number;
    readLines?: number;
    /** Awaited before the first answer. */
    gate?: () => Promise<void>;
    /** How many answers its conversation has already: of earlier turns. */
    after?: number;
  } = {},
): Scenario {
  const { thinkMs = 0, readLines, gate, after = 0 } = options;
  const say = (k: number, reply: Reply): Step => {
    if (thinkMs === 0 && (k > 0 || gate === undefined)) return reply;
    return async () => {
      if (k === 0) await gate?.();
      if (thinkMs > 0) await sleep(thinkMs);
      return reply;
    };
  };
  return [
    {
      steps: [
        ...Array.from({ length: after }, (): Step => DONE),
        ...Array.from({ length: steps }, (_, k) => say(k, { toolCalls: [callOf(after + k, readLines)] })),
        say(steps, DONE),
      ],
    },
  ];
}
