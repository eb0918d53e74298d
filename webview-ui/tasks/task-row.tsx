import type { TaskSummary } from '../../server/protocol/task.ts';
import { usePanel } from '../context.ts';
import { ago } from '../format.ts';
import { IconButton, StatusIcon } from '../icon.tsx';
import { shortRepository } from '../repository.ts';
import { strings } from '../strings.ts';

/** One task in a list: how it stands, what it is called, where, since when. */
export function TaskRow({ task }: { task: TaskSummary }) {
  const { host } = usePanel();
  const { taskId, title, status, updatedAt, repository, changedFiles, pullRequestUrl } = task;
  const name = title || strings.header.untitled;
  return (
    <li className="task">
      <button type="button" className="task-open" onClick={() => host.post({ type: 'openTask', taskId })}>
        <StatusIcon status={status} />
        <span className="task-text">
          <span className="task-title ellipsis">{name}</span>
          <span className="task-facts ellipsis">
            {shortRepository(repository)}
            {changedFiles > 0 && ` · ${strings.list.changed(changedFiles)}`}
            {pullRequestUrl !== undefined && ` · ${strings.list.pullRequest}`}
          </span>
        </span>
        <time dateTime={new Date(updatedAt).toISOString()} title={new Date(updatedAt).toLocaleString()}>
          {ago(updatedAt, Date.now())}
        </time>
      </button>
      <span className="task-actions">
        {pullRequestUrl !== undefined && (
          <IconButton
            icon="git-pull-request"
            label={strings.list.openPullRequest(name)}
            onClick={() => host.post({ type: 'openExternal', url: pullRequestUrl })}
          />
        )}
        {status !== 'archived' && (
          <IconButton
            icon="archive"
            label={strings.list.archive(name)}
            onClick={() => host.post({ type: 'archive', taskId })}
          />
        )}
      </span>
    </li>
  );
}
