import type { TodoItem } from '../../server/protocol/events.ts';
import { Icon } from '../icon.tsx';
import { strings } from '../strings.ts';
import { todoItems } from './summary.ts';
import type { ToolBody } from './tool-body.ts';

/** The plan as it was laid down by this call; the plan of now is above the composer. */
export const TodoBody: ToolBody = ({ tool }) => <TodoList items={todoItems(tool).map(known)} />;

const icons: Record<TodoItem['status'], string> = {
  pending: 'circle-large-outline',
  in_progress: 'circle-large-filled',
  completed: 'pass-filled',
};

function known({ text, status }: { text: string; status: string }): TodoItem {
  return { text, status: status === 'completed' || status === 'in_progress' ? status : 'pending' };
}

export function TodoList({ items }: { items: TodoItem[] }) {
  return (
    <ul className="todos">
      {items.map(({ text, status }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two points of a plan may read the same
        <li key={index} className={`todo todo-${status}`}>
          <Icon name={icons[status]} />
          <span className="visually-hidden">{strings.plan[status]}: </span>
          <span>{text}</span>
        </li>
      ))}
    </ul>
  );
}
