import { type KeyboardEvent, useRef } from 'react';
import { usePanel, useSelect } from '../context.ts';
import { Icon } from '../icon.tsx';
import { strings } from '../strings.ts';
import { TaskRow } from './task-row.tsx';

/** All tasks, newest first as the relay gives them; arrow keys go through them. */
export function TaskList() {
  const { host } = usePanel();
  const tasks = useSelect((state) => state.tasks);
  const list = useRef<HTMLUListElement>(null);
  if (tasks.length === 0) {
    return (
      <main className="page empty">
        <Icon name="inbox" />
        <h2>{strings.list.emptyTitle}</h2>
        <p>{strings.list.empty}</p>
        <button type="button" className="button" onClick={() => host.post({ type: 'newTask' })}>
          {strings.header.newTask}
        </button>
      </main>
    );
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('.task-open') ?? [])];
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const target = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    const row = target === undefined ? undefined : rows[target];
    if (row === undefined) return;
    event.preventDefault();
    row.focus();
  };
  return (
    <main className="page">
      <ul className="tasks" ref={list} aria-label={strings.list.title} onKeyDown={onKeyDown}>
        {tasks.map((task) => (
          <TaskRow key={task.taskId} task={task} />
        ))}
      </ul>
    </main>
  );
}
