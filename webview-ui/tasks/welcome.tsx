import { useSelect } from '../context.ts';
import { Icon } from '../icon.tsx';
import { strings } from '../strings.ts';
import { TaskRow } from './task-row.tsx';

/** How many of the newest tasks are offered beside a new one. */
const RECENT = 5;

/** The page of a task that does not exist yet: what will happen to what is typed below. */
export function Welcome() {
  const tasks = useSelect((state) => state.tasks);
  return (
    <main className="page welcome">
      <h2>{strings.welcome.title}</h2>
      <p>{strings.welcome.lead}</p>
      <ul className="promises">
        <li>
          <Icon name="cloud-upload" />
          <span>{strings.welcome.carries}</span>
        </li>
        <li>
          <Icon name="diff-multiple" />
          <span>{strings.welcome.review}</span>
        </li>
      </ul>
      {tasks.length > 0 && (
        <>
          <h3>{strings.welcome.recent}</h3>
          <ul className="tasks">
            {tasks.slice(0, RECENT).map((task) => (
              <TaskRow key={task.taskId} task={task} />
            ))}
          </ul>
        </>
      )}
    </main>
  );
}
