import type { TaskAction } from '../../extension/chat/messages.ts';
import type { PullRequestStatus as Status } from '../../server/protocol/follow.ts';
import type { TaskState } from '../../server/protocol/task.ts';
import { usePanel } from '../context.ts';
import { Icon, IconButton } from '../icon.tsx';
import { isTurnOpen } from '../status.ts';
import { strings } from '../strings.ts';
import { External } from './publish-progress.tsx';

const text = strings.pullRequest;

const icons = {
  open: 'git-pull-request',
  draft: 'git-pull-request-draft',
  merged: 'git-merge',
  closed: 'git-pull-request-closed',
} as const;

/** What has become of the pull request: its checks, what was written at it, and what can be done about that with one click. */
export function PullRequestStatus({ task }: { task: TaskState }) {
  const { host } = usePanel();
  const { taskId, pullRequest, follow, unattendedUntil } = task;
  const act = (action: TaskAction) => host.post({ type: 'taskAction', taskId, action });
  return (
    <>
      {pullRequest && <Known task={task} pullRequest={pullRequest} act={act} />}
      {pullRequest?.state === 'open' && follow && follow.autoFix > 0 && (
        <p className="card-note">{text.fixing(follow.fixes, follow.autoFix)}</p>
      )}
      {unattendedUntil !== undefined && (
        <p className="card-note">
          <Icon name="watch" />
          <span>{strings.unattended.until(new Date(unattendedUntil).toLocaleString())}</span>
          <button type="button" className="link" onClick={() => act('unattended')}>
            {strings.unattended.end}
          </button>
        </p>
      )}
    </>
  );
}

function Known({
  task,
  pullRequest,
  act,
}: {
  task: TaskState;
  pullRequest: Status;
  act: (action: TaskAction) => void;
}) {
  const { number, url, state, isDraft, isMergeable, checks, comments } = pullRequest;
  const shown = state === 'open' && isDraft ? 'draft' : state;
  const of = (wanted: (typeof checks)[number]['state']) => checks.filter((check) => check.state === wanted);
  const failed = of('failed');
  const summary = text.checks(of('passed').length, failed.length, of('pending').length);
  const canFix = state === 'open' && !isTurnOpen(task.status) && task.status !== 'archived';
  return (
    <section className="pull-request" aria-label={text.label}>
      <div className="publish-line">
        <Icon name={icons[shown]} />
        <External url={url} label={strings.publish.opened(number)} />
        <span className="dim">{text.state[shown]}</span>
        {state === 'open' && (
          <IconButton icon="refresh" label={text.refresh} onClick={() => act('refreshPullRequest')} />
        )}
      </div>
      {summary !== '' && (
        <p className="publish-line">
          <Icon name={failed.length > 0 ? 'error' : 'checklist'} />
          {summary}
        </p>
      )}
      {failed.map(({ checkId, name, url: page }) => (
        <p key={checkId} className="publish-line">
          {page === undefined ? name : <External url={page} label={name} />}
        </p>
      ))}
      {comments.length > 0 && <p className="dim">{text.comments(comments.length)}</p>}
      {state === 'open' && isMergeable === false && <p>{text.conflicts}</p>}
      {canFix && failed.length + comments.length > 0 && (
        <div className="buttons">
          {failed.length > 0 && (
            <button type="button" className="button" onClick={() => act('fixChecks')}>
              {text.fixChecks}
            </button>
          )}
          {comments.length > 0 && (
            <button type="button" className="button secondary" onClick={() => act('fixComments')}>
              {text.fixComments}
            </button>
          )}
        </div>
      )}
    </section>
  );
}
