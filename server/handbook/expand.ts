import type { SlashCommand } from '../agent/handbook.ts';
import { commandIn } from '../protocol/slash-commands.ts';
import { OWN_TEMPLATES } from './own-commands.ts';

/** Where a template has what was written behind the command's name. */
const ARGUMENTS = '$ARGUMENTS';

/**
 * What the agent reads of a message that is a command; nothing where it is none that is known, for a message may begin with a path. The
 * repository's own commands come before those that every relay has.
 */
export function expand(text: string, commands: readonly SlashCommand[]): string | undefined {
  const called = commandIn(text);
  if (called === undefined) return undefined;
  const { name, rest } = called;
  const template = commands.find((known) => known.name === name)?.template ?? OWN_TEMPLATES[name];
  if (template === undefined) return undefined;
  // Taken apart and put together, so that nothing in what was written means anything.
  if (template.includes(ARGUMENTS)) return template.split(ARGUMENTS).join(rest).trim();
  return rest === '' ? template : `${template}\n\n${rest}`;
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
