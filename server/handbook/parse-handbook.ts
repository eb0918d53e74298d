import { setImmediate as otherWork } from 'node:timers/promises';
import * as z from 'zod';
import type { Role } from '../agent/agent.ts';
import type { Handbook, Skill, SlashCommand } from '../agent/handbook.ts';
import { commandNameOf, describeCommand, OWN_COMMANDS } from '../protocol/slash-commands.ts';
import { readFrontMatter, splitFrontMatter } from './front-matter.ts';
import { FOLDERS, type HandbookFile, type HandbookFiles } from './handbook-files.ts';
import { HANDBOOK_LIMITS } from './limits.ts';

/** What a repository's files say, as far as it can be understood: one that cannot is a problem, and keeps none of the others. */
export type BaseHandbook = Pick<Handbook, 'roles' | 'skills' | 'commands' | 'problems'>;

/** A name that can be said to a model and typed by a person. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/i;
/** What every relay has itself. */
const OWN_ROLES = new Set(['explorer', 'executor', 'reviewer']);
const OWN_NAMES = new Set(OWN_COMMANDS.map(({ name }) => name));
const MODEL_ROLES = ['lead', 'explorer', 'executor', 'reviewer', 'small'] as const;

const Text = z.string().trim().min(1);
const SkillHead = z.object({ name: Text.optional(), description: Text });
const RoleHead = z.object({
  name: Text.optional(),
  description: Text,
  kind: z.enum(['explorer', 'executor', 'reviewer']).default('explorer'),
  /** A list, or names with commas between them. */
  tools: z
    .union([z.array(Text), Text.transform((names) => names.split(',').map((name) => name.trim()))])
    .optional(),
  model: Text.optional(),
});

/** Lets other work go on between files: what a repository holds must not stop everybody else's tasks. */
export async function parseHandbook({
  files,
  beside,
  leftOut,
  isTooLong,
}: HandbookFiles): Promise<BaseHandbook> {
  const problems: string[] = [];
  if (isTooLong) problems.push('.handoff, .agents and .claude hold too many files: none of them is read.');
  for (const [kind, count] of Object.entries(leftOut))
    problems.push(`There are too many ${kind}: ${count} of their files are not read.`);
  const tell = (path: string, why: string): void => void problems.push(`${shown(path)} is not used: ${why}.`);
  const within = (folders: readonly string[]): HandbookFile[] =>
    folders.flatMap((folder) => files.filter(({ path }) => path.startsWith(`${folder}/`)));

  /** Reads each, keeps the first of every name, and as many as there may be; those behind are not read any more. */
  async function collect<T extends { name: string }>(
    folders: readonly string[],
    most: number,
    read: (path: string, text: string) => T | { why: string },
  ): Promise<T[]> {
    const found = new Map<string, T>();
    for (const { path, content } of within(folders)) {
      if (found.size >= most) {
        tell(path, `there are more than ${most} of its kind`);
        continue;
      }
      await otherWork();
      const one = 'why' in content ? content : read(path, content.text);
      if ('why' in one) tell(path, one.why);
      else if (!found.has(one.name)) found.set(one.name, one);
    }
    return [...found.values()];
  }

  const roles = await collect(FOLDERS.roles, HANDBOOK_LIMITS.roles, (path, text) => {
    const read = readRole(path, text);
    if ('why' in read) return read;
    if (read.problem !== undefined) problems.push(`${shown(path)}: ${read.problem}.`);
    return read.role;
  });
  const companions = byFolder(beside);
  const skills = await collect(FOLDERS.skills, HANDBOOK_LIMITS.skills, (path, text) =>
    readSkill(path, text, companions),
  );
  const commands = await collect<SlashCommand>(FOLDERS.commands, HANDBOOK_LIMITS.commands, (path, text) => {
    const name = commandNameOf(path);
    if (name === undefined) return { why: 'its name is none that can be typed' };
    if (OWN_NAMES.has(name)) return { why: `/${name} is a command of Handoff's own` };
    const { body } = splitFrontMatter(text);
    if (body === '') return { why: 'it says nothing' };
    return { name, description: describeCommand(text), template: body };
  });
  const more = problems.length - HANDBOOK_LIMITS.problems;
  return {
    roles,
    skills,
    commands,
    problems:
      more <= 0
        ? problems
        : [...problems.slice(0, HANDBOOK_LIMITS.problems), `${more} more of these files are not used.`],
  };
}

/** What is in the folder of each skill, as far as it is named: gone through once, however many skills there are. */
function byFolder(paths: Iterable<string>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const path of paths) {
    const [folder] = /^[^/]+\/skills\/[^/]+(?=\/)/.exec(path) ?? [];
    if (folder === undefined || path === `${folder}/${SKILL_FILE}`) continue;
    const known = found.get(folder) ?? [];
    if (known.length < HANDBOOK_LIMITS.skillFiles) known.push(path);
    found.set(folder, known);
  }
  return found;
}

function readSkill(
  path: string,
  text: string,
  companions: ReadonlyMap<string, string[]>,
): Skill | { why: string } {
  const head = headOf(SkillHead, text);
  if ('why' in head) return head;
  const folder = path.slice(0, path.lastIndexOf('/'));
  const name = head.value.name ?? folder.slice(folder.lastIndexOf('/') + 1);
  if (!NAME.test(name)) return { why: NO_NAME };
  const { body, value } = head;
  return {
    name,
    description: short(value.description),
    body,
    folder,
    files: companions.get(folder) ?? [],
  };
}

function readRole(path: string, text: string): { role: Role; problem?: string } | { why: string } {
  const head = headOf(RoleHead, text);
  if ('why' in head) return head;
  const { description, kind, tools, model } = head.value;
  const name = head.value.name ?? path.slice(path.lastIndexOf('/') + 1, -'.md'.length);
  if (!NAME.test(name)) return { why: NO_NAME };
  if (OWN_ROLES.has(name)) return { why: `${name} is a role of Handoff's own` };
  const modelRole = MODEL_ROLES.find((known) => known === model);
  const role: Role = {
    ...{ name, kind, description: short(description), instructions: head.body, tools },
    modelRole: modelRole ?? kind,
  };
  if (model === undefined || modelRole !== undefined) return { role };
  const problem = `its model is none of ${MODEL_ROLES.join(', ')}, so it gets that of every ${kind}`;
  return { role, problem };
}

const SKILL_FILE = 'SKILL.md';
const NO_NAME = 'its name must be letters, digits, _ and -, at most 64';

function headOf<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): { value: z.output<Schema>; body: string } | { why: string } {
  const read = readFrontMatter(text);
  if (!read.ok) return { why: read.problem };
  const parsed = schema.safeParse(read.head);
  if (parsed.success) return { value: parsed.data, body: read.body };
  const keys = [...new Set(parsed.error.issues.map(({ path }) => String(path[0] ?? '')))];
  return { why: `its head says ${keys.join(' and ')} wrong, or not at all` };
}

/** A description in one line, for it is listed with others. */
function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= HANDBOOK_LIMITS.description
    ? line
    : `${line.slice(0, HANDBOOK_LIMITS.description).toWellFormed()}…`;
}

/** A path as it can be shown: whoever made it may have put anything into it. */
const shown = (path: string): string =>
  /^[\w./ -]{1,200}$/.test(path) ? path : JSON.stringify(path.slice(0, 200).toWellFormed());
