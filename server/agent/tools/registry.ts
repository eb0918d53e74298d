import { bash } from './bash.ts';
import { edit } from './edit.ts';
import { glob } from './glob.ts';
import { grep } from './grep.ts';
import { read } from './read.ts';
import { todo } from './todo.ts';
import type { Tool } from './tool.ts';
import { write } from './write.ts';

/** Every tool, in the order in which the model reads of them: stable, so that provider caches hit. */
export const tools: readonly Tool[] = [read, write, edit, glob, grep, bash, todo];

const byName = new Map(tools.map((tool) => [tool.name, tool]));

export const findTool = (name: string): Tool | undefined => byName.get(name);
