import { useState } from 'react';
import type { TaskAction } from '../../extension/chat/messages.ts';
import type { ChangedFile } from '../../server/protocol/review.ts';
import type { TaskState } from '../../server/protocol/task.ts';
import { usePanel, useSelect } from '../context.ts';
import { Icon, IconButton } from '../icon.tsx';
import { isTurnOpen } from '../status.ts';
import { strings } from '../strings.ts';
import { PublishProgress } from './publish-progress.tsx';
import { PullRequestStatus } from './pull-request-status.tsx';

/** What the agent has changed so far, the way into the review, and from there to the pull request. */
export function ProposalCard() {
  const { host } = usePanel();
  const task = useSelect((state) => state.task);
  const settled = task !== null && !isTurnOpen(task.status);
  const [toggled, setToggled] = useState<boolean | null>(null);
  // Once there is a review, the files are in its own view; here they would only push the buttons away.
  const reviewing = task?.review !== undefined && task.review.revision === task.proposal?.revision;
  const open = toggled ?? (settled && !reviewing);
  if (!task?.proposal || task.proposal.files.length === 0) return null;
  const { files } = task.proposal;
  const { taskId } = task;
  // What was heard of it since says more.
  const isKnown = task.publish?.stage === 'opened' && task.pullRequest !== undefined;
  return (
    <section className="card proposal" aria-label={strings.proposal.changed(files.length)}>
      <button type="button" className="card-line" aria-expanded={open} onClick={() => setToggled(!open)}>
        <Icon name={open ? 'chevron-down' : 'chevron-right'} />
        <span>{strings.proposal.changed(files.length)}</span>
        <Counts files={files} />
      </button>
      {open && (
        <ul className="files">
          {files.map((file) => (
            <File
              key={file.path}
              file={file}
              onReview={() => host.post({ type: 'review', taskId, path: file.path })}
            />
          ))}
        </ul>
      )}
      <Decision task={task} />
      {task.publish && !isKnown && <PublishProgress publish={task.publish} />}
      <PullRequestStatus task={task} />
    </section>
  );
}

function Decision({ task: { taskId, proposal, review, publish } }: { task: TaskState }) {
  const { host } = usePanel();
  const reviewed = review !== undefined && review.revision === proposal?.revision;
  const accepted = reviewed ? review.files.filter((file) => file.accepted.length > 0) : [];
  const publishing = publish !== undefined && publish.stage !== 'opened' && publish.stage !== 'failed';
  const published = publish?.stage === 'opened' && publish.acceptedTree === review?.acceptedTree;
  const canOpen = accepted.length > 0 && !published;
  const act = (action: TaskAction) => host.post({ type: 'taskAction', taskId, action });
  return (
    <>
      {review && !reviewed && <p className="card-note">{strings.proposal.stale}</p>}
      {accepted.length > 0 && !published && (
        <p className="card-note">
          <Icon name="check" /> {strings.proposal.accepted(accepted.length)}
        </p>
      )}
      <div className="buttons">
        {canOpen && (
          <button
            type="button"
            className="button"
            disabled={publishing}
            onClick={() => host.post({ type: 'pullRequest', taskId })}
          >
            <Icon name="git-pull-request" />
            {publish?.pullRequest ? strings.proposal.updatePullRequest : strings.proposal.openPullRequest}
          </button>
        )}
        <button
          type="button"
          className={canOpen || published ? 'button secondary' : 'button'}
          onClick={() => host.post({ type: 'review', taskId, path: null })}
        >
          <Icon name="diff-multiple" />
          {reviewed ? strings.proposal.reviewAgain : strings.proposal.review}
        </button>
        {accepted.length > 0 && (
          <button type="button" className="button secondary" onClick={() => act('apply')}>
            <Icon name="cloud-download" />
            {strings.proposal.apply}
          </button>
        )}
        <IconButton icon="ellipsis" label={strings.proposal.more} onClick={() => act('more')} />
      </div>
    </>
  );
}

function File({
  file: { path, status, binary, additions, deletions },
  onReview,
}: {
  file: ChangedFile;
  onReview: () => void;
}) {
  const slash = path.lastIndexOf('/');
  return (
    <li>
      <button
        type="button"
        className="file"
        title={`${path} (${strings.proposal.status[status]})`}
        aria-label={`${strings.proposal.reviewFile(path)}, ${strings.proposal.status[status]}`}
        onClick={onReview}
      >
        <span className="file-name">{path.slice(slash + 1)}</span>
        <span className="file-folder ellipsis">{path.slice(0, Math.max(0, slash))}</span>
        {binary ? (
          <span className="dim">{strings.proposal.binary}</span>
        ) : (
          <Lines additions={additions} deletions={deletions} />
        )}
        <span className={`letter letter-${status}`} aria-hidden="true">
          {strings.proposal.letter[status]}
        </span>
      </button>
    </li>
  );
}

function Counts({ files }: { files: ChangedFile[] }) {
  const total = (side: 'additions' | 'deletions') => files.reduce((sum, file) => sum + file[side], 0);
  return <Lines additions={total('additions')} deletions={total('deletions')} />;
}

function Lines({ additions, deletions }: { additions: number; deletions: number }) {
  return (
    <span className="counts">
      {additions > 0 && <span className="added">+{additions}</span>}{' '}
      {deletions > 0 && <span className="deleted">−{deletions}</span>}
    </span>
  );
}
