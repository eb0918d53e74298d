import * as z from 'zod';
import { TodoItem } from '../../protocol/events.ts';
import { defineTool } from './tool.ts';

export const todo = defineTool({
  name: 'todo',
  description:
    'Keeps the plan that the person sees. Give the whole list each time; keep one item in_progress while working on it.',
  input: z.object({ items: z.array(TodoItem).max(100) }),
  writes: false,
  async run({ items }, { setTodos }) {
    await setTodos(items);
    const done = items.filter((item) => item.status === 'completed').length;
    return `The plan has ${items.length} items, ${done} completed.`;
  },
});
