import type { Role } from '../agent.ts';
import { askUser } from './ask-user.ts';
import { bash } from './bash.ts';
import { describeChanges } from './describe-changes.ts';
import { edit } from './edit.ts';
import { fetchTool } from './fetch.ts';
import { glob } from './glob.ts';
import { grep } from './grep.ts';
import { lesson } from './lesson.ts';
import { proposePlan } from './propose-plan.ts';
import { read } from './read.ts';
import { reply } from './reply.ts';
import { skill } from './skill.ts';
import { stopCommand } from './stop-command.ts';
import { taskTool } from './task.ts';
import { todo } from './todo.ts';
import type { Tool } from './tool.ts';
import { write } from './write.ts';

/**
 * What the lead of a turn can do, in the order in which the model reads of it: stable, so that provider caches hit.
 * @param roles those that it may have work for it
 */
export const leadTools = (roles: readonly Role[]): readonly Tool[] => [
  ...[read, write, edit, glob, grep, bash, stopCommand, fetchTool],
  ...[todo, taskTool(roles), askUser, reply, describeChanges],
  ...[lesson, proposePlan],
];

/** What it can do besides, in a repository that has skills. */
export const skillTools: readonly Tool[] = [skill];

/** What who only looks can do without a shell: nothing that changes the workspace, or needs the person. */
export const readerTools: readonly Tool[] = [read, glob, grep, fetchTool];

/** What who works on a part can do: all that is about files, and nothing that needs the person. */
export const executorTools: readonly Tool[] = [read, write, edit, glob, grep, bash, stopCommand, fetchTool];
