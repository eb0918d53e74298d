import type { TaskState } from '../../server/protocol/task.ts';
import { usePanel, useSelect } from '../context.ts';
import { Icon, IconButton } from '../icon.tsx';
import { draftKey } from '../store.ts';
import { strings } from '../strings.ts';
import { QueuedMessage } from './queued-message.tsx';

const none: TaskState['queue'] = [];
const text = strings.queue;

/** Messages that the agent has not read yet, and the one that is on its way to the relay. */
export function Queue() {
  const { store } = usePanel();
  const queue = useSelect((state) => (state.view === 'task' ? (state.task?.queue ?? none) : none));
  const notice = useSelect((state) => state.queueNotice);
  const pending = useSelect((state) =>
    state.pending && (state.pending.taskId ?? 'new') === draftKey(state) ? state.pending : null,
  );
  if (queue.length === 0 && pending === null && notice === null) return null;
  return (
    <div className="queue">
      {notice && (
        <div className="alert alert-info" role="alert">
          <Icon name="info" />
          <div className="alert-text">
            <span>{notice.message}</span>
            {notice.nextAction && <p>{notice.nextAction}</p>}
            {notice.text !== undefined && (
              <div className="buttons">
                <button
                  type="button"
                  className="button secondary"
                  title={notice.text}
                  onClick={() => store.dispatch({ type: 'withdrawnTaken' })}
                >
                  {text.putBack}
                </button>
              </div>
            )}
          </div>
          <IconButton
            icon="close"
            label={strings.composer.dismiss}
            onClick={() => store.dispatch({ type: 'queueNoticeDismissed' })}
          />
        </div>
      )}
      {(queue.length > 0 || pending) && (
        <ul aria-label={text.label}>
          {queue.map((queued) => (
            <QueuedMessage key={queued.messageId} queued={queued} />
          ))}
          {pending && (
            <li className="queued">
              <Icon name="loading" spin />
              <span className="badge">{text.sending}</span>
              <span className="ellipsis">{pending.text}</span>
            </li>
          )}
        </ul>
      )}
    </div>
  );
}
