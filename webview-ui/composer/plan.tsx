import { useState } from 'react';
import type { TodoItem } from '../../server/protocol/events.ts';
import { useSelect } from '../context.ts';
import { Icon } from '../icon.tsx';
import { strings } from '../strings.ts';
import { TodoList } from '../tools/todo.tsx';

const none: TodoItem[] = [];

/** The agent's plan in one line: how far it is and what it is at. It opens to show all of it. */
export function Plan() {
  const items = useSelect((state) => state.task?.todos ?? none);
  const [open, setOpen] = useState(false);
  if (items.length === 0) return null;
  const done = items.filter(({ status }) => status === 'completed').length;
  const current =
    items.find(({ status }) => status === 'in_progress') ?? items.find(({ status }) => status === 'pending');
  return (
    <section className="card plan" aria-label={strings.plan.title}>
      <button type="button" className="card-line" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name={open ? 'chevron-down' : 'chevron-right'} />
        <span>{strings.plan.title}</span>
        <span className="dim">{strings.plan.progress(done, items.length)}</span>
        {!open && current && <span className="ellipsis dim">{current.text}</span>}
      </button>
      {done < items.length && (
        <progress className="plan-bar" value={done} max={items.length} aria-hidden="true" />
      )}
      {open && <TodoList items={items} />}
    </section>
  );
}
