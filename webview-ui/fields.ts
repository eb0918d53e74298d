import type { TaskState } from '../server/protocol/task.ts';

/** What is being typed at a question or into a queued message, by task and id: it survives scrolling, hiding and reloading. */
export type Fields = Record<string, string>;

const keyOf = (taskId: string, id: string) => `${taskId}/${id}`;

/** Nothing where the field is not open. */
export function fieldOf(fields: Fields, task: TaskState | null, id: string): string | undefined {
  return task === null ? undefined : fields[keyOf(task.taskId, id)];
}

/** @param text nothing closes the field */
export function withField(fields: Fields, taskId: string, id: string, text: string | null): Fields {
  const { [keyOf(taskId, id)]: _before, ...others } = fields;
  return text === null ? others : { ...others, [keyOf(taskId, id)]: text };
}

/** A field whose message is no longer in the queue, with what had been typed there. */
export interface Stranded {
  text: string;
  /** The agent has read the message; otherwise it was withdrawn. */
  delivered: boolean;
}

/**
 * Closes the fields of what is over: questions that were answered, and messages that left the queue.
 *
 * @param held ids whose fields stay as they are
 */
export function closeFields(
  fields: Fields,
  task: TaskState,
  held: ReadonlySet<string>,
): { fields: Fields; stranded: Stranded[] } {
  const stranded: Stranded[] = [];
  let open = fields;
  for (const [key, text] of Object.entries(fields)) {
    if (!key.startsWith(keyOf(task.taskId, ''))) continue;
    const id = key.slice(task.taskId.length + 1);
    if (held.has(id)) continue;
    const items = task.turns.flatMap((turn) => turn.items);
    const question = items.find((item) => item.kind === 'question' && item.questionId === id);
    const isOpen = question
      ? question.kind === 'question' && question.answer === undefined
      : task.queue.some(({ messageId }) => messageId === id);
    if (isOpen) continue;
    open = withField(open, task.taskId, id, null);
    const read = items.find((item) => item.kind === 'user' && item.messageId === id);
    const isSame = read?.kind === 'user' && read.text === text.trim();
    if (!question && !isSame && text.trim() !== '')
      stranded.push({ text: text.trim(), delivered: read !== undefined });
  }
  return { fields: open, stranded };
}
