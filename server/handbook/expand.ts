import type { SlashCommand } from '../agent/handbook.ts';
import { commandIn, OWN_COMMANDS } from '../protocol/slash-commands.ts';
import { HANDBOOK_LIMITS } from './limits.ts';
import { OWN_TEMPLATES } from './own-commands.ts';

/** Where a template has what was written behind the command's name. */
const ARGUMENTS = '$ARGUMENTS';

/**
 * What the agent reads of a message that is a command; nothing where it is none that is known, for a message may begin with a path, and
 * nothing of `/plan`, which says how to work. What every relay has means the same in each repository.
 */
export function expand(text: string, commands: readonly SlashCommand[]): string | undefined {
  const called = commandIn(text);
  if (called === undefined) return undefined;
  const { name, rest } = called;
  const isOwn = OWN_COMMANDS.some((own) => own.name === name);
  const template = isOwn ? OWN_TEMPLATES[name] : commands.find((known) => known.name === name)?.template;
  if (template === undefined) return undefined;
  // Taken apart and put together, so that nothing in what was written means anything.
  const parts = template.split(ARGUMENTS);
  if (parts.length === 1) return within(name, rest === '' ? [template] : [template, '\n\n', rest]);
  return within(
    name,
    parts.flatMap((part, index) => (index === 0 ? [part] : [rest, part])),
  );
}

/** The parts as one text; of too long a one its beginning, and that it is only that. No more is put together than that. */
function within(name: string, parts: readonly string[]): string {
  const most = HANDBOOK_LIMITS.expansion;
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  let text = '';
  for (const part of parts) {
    text += part.slice(0, most - text.length);
    if (text.length === most) break;
  }
  if (size <= most) return text.trim();
  return `${text.toWellFormed()}\n[Cut here: /${name} comes to ${size} characters, and ${most} are read. Ask the person for what is missing.]`;
}

/** The event that says so of a message, once. */
export function expansionOf(
  { turnId, messageId, text }: { turnId: string; messageId: string; text: string },
  commands: readonly SlashCommand[],
) {
  const expanded = expand(text, commands);
  if (expanded === undefined) return [];
  const event = { type: 'message.expanded' as const, turnId, messageId, text: expanded };
  return [{ key: `expanded:${messageId}`, event }];
}
