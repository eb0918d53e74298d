import { createHash } from 'node:crypto';
import { SandboxError } from '../../sandbox/sandbox.ts';
import type { Agent } from '../agent.ts';
import { nameInWorkspace } from '../known-files.ts';
import { readBeginning } from '../read-handbook.ts';
import type { ToolCall } from '../tool-call.ts';
import type { Transcript } from '../transcript.ts';
import { type TurnContext, tell } from '../turn-context.ts';
import { RULES } from './limits.ts';

const FILE = 'AGENTS.md';

/** Tells an agent the repository's rules for the parts of it that it touches, as it first touches them. */
export interface RuleTeller {
  /** It asks for these calls. Where the rules may be is looked for meanwhile, so that nobody waits for it. */
  asked(calls: readonly ToolCall[]): void;
  /** The calls have ended, and their results have been told: so have the rules afterwards, in the log and in the conversation. */
  acted(calls: readonly ToolCall[], transcript: Transcript): Promise<void>;
}

/** For one run of an agent. What it was told in earlier runs and turns, its conversation knows. */
export function createRuleTeller(turn: TurnContext, agent: Agent): RuleTeller {
  let known: Promise<{ folders: Set<string>; workdir: string } | undefined> | undefined;
  const looked = new Set<string>();
  return {
    asked(calls) {
      if (known !== undefined || !calls.some((call) => pathOf(call)?.includes('/'))) return;
      known = foldersWithRules(agent);
      // Whoever awaits it hears of a failure.
      known.catch(() => {});
    },
    async acted(calls, transcript) {
      if (known === undefined) return;
      const found = await known;
      // Where the machine was not well, or such a file was written just now, the next call looks again.
      if (found === undefined || calls.some((call) => pathOf(call)?.endsWith(`/${FILE}`))) known = undefined;
      if (found === undefined || found.folders.size === 0) return;
      const { folders, workdir } = found;
      for (const call of calls) {
        const path = pathOf(call);
        for (const folder of path === undefined ? [] : foldersAbove(nameInWorkspace(path, workdir))) {
          if (!folders.has(folder) || looked.has(folder)) continue;
          looked.add(folder);
          await teach(turn, agent, `${folder}/${FILE}`, transcript);
        }
      }
    },
  };
}

/** The path that a call names. */
function pathOf({ input }: ToolCall): string | undefined {
  const path = typeof input === 'object' && input !== null ? Reflect.get(input, 'path') : undefined;
  return typeof path === 'string' && !path.includes('://') ? path : undefined;
}

/** Folders that a path is in, and the path itself, which may be one; the outermost first, without the workspace. */
export function foldersAbove(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names[0] === '..') return [];
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

async function foldersWithRules(
  agent: Agent,
): Promise<{ folders: Set<string>; workdir: string } | undefined> {
  try {
    const sandbox = await agent.open();
    const { matches } = await sandbox.glob({ pattern: `**/${FILE}`, limit: RULES.files });
    const below = matches.filter((path) => path.includes('/'));
    return {
      folders: new Set(below.map((path) => path.slice(0, -FILE.length - 1))),
      workdir: sandbox.workdir,
    };
  } catch (error) {
    // Whatever is wrong with the machine, its calls say so; rules are told once it is well.
    if (error instanceof SandboxError) return undefined;
    throw error;
  }
}

/** Tells what a file says, unless it is known already. */
async function teach(turn: TurnContext, agent: Agent, path: string, transcript: Transcript): Promise<void> {
  const read = await readRules(turn, agent, path);
  const text = read?.trim();
  if (text === undefined) return;
  if (transcript.rules().get(path) === text) return;
  const told = [...transcript.rules()].filter(([other]) => other !== path);
  const total = told.reduce((sum, [, { length }]) => sum + length, text.length);
  if (total > RULES.allChars) return;
  const event = {
    type: 'rules.found' as const,
    turnId: turn.turnId,
    ...agent.by,
    path,
    text,
  };
  // By the text, too: what is told anew because it has changed is something else.
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  await tell(turn, { key: `${agent.id}:rules:${digest}:${path}`, event });
  transcript.add(event);
}

/** Undefined where nothing can be read there: it may have gone meanwhile. */
async function readRules(turn: TurnContext, agent: Agent, path: string): Promise<string | undefined> {
  try {
    const hide = (text: string): string => turn.hide(turn.taskId, text);
    return await readBeginning(await agent.open(), path, RULES.oneChars, hide);
  } catch (error) {
    if (error instanceof SandboxError) return undefined;
    throw error;
  }
}
