import type { TaskState } from '../../server/protocol/task.ts';
import { useSelect } from '../context.ts';
import { Icon } from '../icon.tsx';
import { draftKey } from '../store.ts';
import { strings } from '../strings.ts';

const none: TaskState['queue'] = [];

/** Messages that the agent has not read yet, and the one that is on its way to the relay. */
export function Queue() {
  const queue = useSelect((state) => (state.view === 'task' ? (state.task?.queue ?? none) : none));
  const pending = useSelect((state) =>
    state.pending && (state.pending.taskId ?? 'new') === draftKey(state) ? state.pending : null,
  );
  if (queue.length === 0 && pending === null) return null;
  return (
    <ul className="queue" aria-label={strings.queue.label}>
      {queue.map(({ messageId, text }) => (
        <li key={messageId}>
          <span className="badge">{strings.queue.queued}</span>
          <span className="ellipsis" title={text}>
            {text}
          </span>
        </li>
      ))}
      {pending && (
        <li>
          <Icon name="loading" spin />
          <span className="badge">{strings.queue.sending}</span>
          <span className="ellipsis">{pending.text}</span>
        </li>
      )}
    </ul>
  );
}
