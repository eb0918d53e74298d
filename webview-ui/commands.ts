import type { Draft } from '../extension/chat/messages.ts';
import type { Answer } from '../server/protocol/commands.ts';
import type { Failure } from '../server/protocol/errors.ts';
import type { TaskState } from '../server/protocol/task.ts';
import { closeFields, type Fields, withField } from './fields.ts';
import { strings } from './strings.ts';

/**
 * What the person did to one thing of a task: answered a question, or changed or withdrew a queued message. It stays until
 * the task itself shows it, so that the thing never looks for a moment as if nothing had been done.
 */
export type Command = {
  clientId: string;
  taskId: string;
  /** The id of the question or message; one command at a time is about it. */
  subject: string;
  /** The relay has it; the event that says so may still be on its way. */
  taken: boolean;
  failure: Failure | null;
} & (
  | { kind: 'answer'; answer: Answer }
  /** `before` is what the message said when it was changed. */
  | { kind: 'edit'; text: string; before: string }
  | { kind: 'withdraw'; text: string }
);

/** What became of a queued message, where the queue itself does not show it. */
export interface QueueNotice {
  message: string;
  nextAction?: string | undefined;
  /** What the message said: it is nowhere else any more, and can still be had. */
  text?: string;
}

/** The part of the panel's state that commands change. */
export interface Parts {
  task: TaskState | null;
  drafts: Record<string, Draft>;
  fields: Fields;
  commands: Record<string, Command>;
  queueNotice: QueueNotice | null;
  focusRequests: number;
}

/** Whether the thing is not to be touched now. A change that was taken may be changed again. */
export function isUnderway(command: Command | undefined): boolean {
  return command !== undefined && command.failure === null && !(command.kind === 'edit' && command.taken);
}

/** @returns what changes; nothing where no command of that id is known */
export function settle(parts: Parts, clientId: string, failure: Failure | null): Partial<Parts> {
  const command = Object.values(parts.commands).find((candidate) => candidate.clientId === clientId);
  if (command === undefined) return {};
  const settled: Command = { ...command, taken: failure === null, failure };
  const next = { ...parts, commands: { ...parts.commands, [command.subject]: settled } };
  return { ...next, ...(failure === null ? taken(next, command) : refused(next, command, failure)) };
}

/**
 * The focus was on what goes now: it moves to the composer. A withdrawn text goes there, too, if it is empty; otherwise it is
 * offered.
 */
function taken(parts: Parts, command: Command): Partial<Parts> {
  const fields = withField(parts.fields, command.taskId, command.subject, null);
  if (command.kind === 'edit') return { ...closeSettled(parts), fields };
  const { [command.taskId]: draft, ...drafts } = parts.drafts;
  const isFree = draft === undefined || (draft.text.trim() === '' && draft.selection.length === 0);
  const withdrawn = command.kind === 'withdraw' ? command.text : undefined;
  const back = withdrawn !== undefined && isFree ? { text: withdrawn, selection: [] } : draft;
  const offered = withdrawn === undefined || isFree ? null : withdrawn;
  const isSeen = parts.task?.taskId === command.taskId;
  return {
    ...closeSettled(parts),
    drafts: back === undefined ? drafts : { ...drafts, [command.taskId]: back },
    fields,
    ...(isSeen && offered !== null
      ? { queueNotice: { message: strings.queue.withdrawn, text: offered } }
      : {}),
    ...(isSeen ? { focusRequests: parts.focusRequests + 1 } : {}),
  };
}

/** What the person wrote is never lost: it goes back to where it was written, or into the composer if that is gone. */
function refused(parts: Parts, command: Command, failure: Failure): Partial<Parts> {
  if (command.kind === 'answer') return {};
  if (failure.code === 'already_delivered') {
    const drafts = command.kind === 'edit' ? withBefore(parts.drafts, command) : parts.drafts;
    const nextAction = command.kind === 'edit' ? strings.queue.sendAnew : undefined;
    const isSeen = parts.task?.taskId === command.taskId;
    const queueNotice = isSeen ? { message: failure.message, nextAction } : parts.queueNotice;
    return { drafts, queueNotice, fields: withField(parts.fields, command.taskId, command.subject, null) };
  }
  // The message may have left the queue meanwhile.
  return command.kind === 'edit' ? afterChange(parts) : {};
}

/** A text goes into the composer before what has been typed there since. */
export function withBefore(
  drafts: Record<string, Draft>,
  { taskId, text }: { taskId: string; text: string },
) {
  const typed = drafts[taskId] ?? { text: '', selection: [] };
  return {
    ...drafts,
    [taskId]: { ...typed, text: typed.text.trim() === '' ? text : `${text}\n\n${typed.text}` },
  };
}

/**
 * When the task has changed: commands whose outcome it shows are over, and what was being written to a message that left the
 * queue goes to the composer.
 */
export function afterChange(parts: Parts): Partial<Parts> {
  const closed = closeSettled(parts);
  const { task } = parts;
  if (task === null) return closed;
  const { fields, stranded } = closeFields(parts.fields, task, beingSaved(parts));
  if (fields === parts.fields) return closed;
  const drafts = stranded.reduce(
    (all, { text }) => withBefore(all, { taskId: task.taskId, text }),
    parts.drafts,
  );
  if (!stranded.some(({ delivered }) => delivered)) return { ...closed, fields, drafts };
  return {
    ...closed,
    fields,
    drafts,
    queueNotice: { message: strings.queue.readMeanwhile, nextAction: strings.queue.sendAnew },
  };
}

/** The messages whose change is on its way: how it is settled decides about what was written. */
function beingSaved({ commands }: Parts): ReadonlySet<string> {
  const saved = Object.values(commands).filter((command) => command.kind === 'edit' && isUnderway(command));
  return new Set(saved.map(({ subject }) => subject));
}

/** Without the commands of this task that were settled, and whose outcome the task shows. */
export function closeSettled({ task, commands }: Parts): Pick<Parts, 'commands'> {
  if (task === null) return { commands };
  const kept = Object.entries(commands).filter(([, command]) => {
    const settled = command.taken || command.failure !== null;
    return !(settled && command.taskId === task.taskId && isShown(task, command));
  });
  return { commands: kept.length === Object.keys(commands).length ? commands : Object.fromEntries(kept) };
}

function isShown(task: TaskState, command: Command): boolean {
  if (command.kind === 'answer')
    return !task.turns.some(({ items }) =>
      items.some(
        (item) =>
          item.kind === 'question' && item.questionId === command.subject && item.answer === undefined,
      ),
    );
  const queued = task.queue.find(({ messageId }) => messageId === command.subject);
  return queued === undefined || (command.kind === 'edit' && command.taken && queued.text !== command.before);
}
