import type { TaskState } from '../../server/protocol/task.ts';
import { usePanel } from '../context.ts';
import { Icon } from '../icon.tsx';
import { strings } from '../strings.ts';

type Publish = NonNullable<TaskState['publish']>;
const text = strings.publish;

/** How far the accepted work is on its way to a pull request, and the pull request. */
export function PublishProgress({ publish }: { publish: Publish }) {
  return (
    <div className="publish" role="status">
      {stages[publish.stage](publish)}
    </div>
  );
}

const stages: Record<Publish['stage'], (publish: Publish) => React.ReactNode> = {
  started: ({ branch }) => <Busy label={text.started(branch)} />,
  committed: ({ branch }) => <Busy label={text.committed(branch)} />,
  pushed: () => <Busy label={text.pushed} />,
  opened: ({ pullRequest }) =>
    pullRequest && (
      <span className="publish-line">
        <Icon name="git-pull-request" />
        {pullRequest.reused ? text.updatedLead : text.openedLead}
        <External url={pullRequest.url} label={text.opened(pullRequest.number)} />
      </span>
    ),
  failed: ({ error, compareUrl }) => (
    <div className="alert alert-error">
      <Icon name="error" />
      <div className="alert-text">
        <strong>{error?.message ?? text.failed}</strong>
        {error?.nextAction && <p>{error.nextAction}</p>}
        {compareUrl !== undefined && <External url={compareUrl} label={text.compare} />}
      </div>
    </div>
  ),
};

function Busy({ label }: { label: string }) {
  return (
    <span className="publish-line">
      <Icon name="loading" spin />
      <span>{label}</span>
    </span>
  );
}

/** A page in the browser. */
export function External({ url, label }: { url: string; label: string }) {
  const { host } = usePanel();
  return (
    <button
      type="button"
      className="link"
      title={url}
      onClick={() => host.post({ type: 'openExternal', url })}
    >
      {label}
      <Icon name="link-external" />
    </button>
  );
}
