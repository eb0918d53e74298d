import type { SourceSummary } from '../server/protocol/source.ts';
import { usePanel, useSelect } from './context.ts';
import { Icon, IconButton, StatusIcon } from './icon.tsx';
import { shortRepository } from './repository.ts';
import { strings } from './strings.ts';

/** What is looked at, where it comes from, and the ways to the other pages. */
export function Header() {
  const { host } = usePanel();
  const view = useSelect((state) => state.view);
  const status = useSelect((state) => state.task?.status);
  const title = useSelect((state) => state.task?.title);
  const source = useSelect((state) => state.task?.source);
  const taskId = useSelect((state) => state.task?.taskId);
  const onTask = view === 'task' && status !== undefined;
  const heading = {
    task: onTask ? title || strings.header.untitled : '',
    list: strings.list.title,
    new: strings.header.newTask,
  }[view];
  return (
    <header className="header">
      <div className="header-line">
        {onTask && <StatusIcon status={status} />}
        <h1 title={heading}>{heading}</h1>
        <div className="header-actions">
          {onTask && taskId !== undefined && status !== 'archived' && (
            <IconButton
              icon="globe"
              label={strings.header.preview}
              onClick={() => host.post({ type: 'preview', taskId })}
            />
          )}
          {view !== 'list' && (
            <IconButton
              icon="list-unordered"
              label={strings.header.allTasks}
              onClick={() => host.post({ type: 'showList' })}
            />
          )}
          {view !== 'new' && (
            <IconButton
              icon="add"
              label={strings.header.newTask}
              onClick={() => host.post({ type: 'newTask' })}
            />
          )}
        </div>
      </div>
      {onTask && source && <Source source={source} />}
    </header>
  );
}

function Source({ source: { repository, branch, commit, overlayFiles } }: { source: SourceSummary }) {
  const name = shortRepository(repository);
  return (
    <div className="source">
      <span className="source-part" title={repository}>
        <Icon name="repo" />
        <span className="ellipsis">{name}</span>
      </span>
      {branch !== undefined && (
        <span className="source-part" title={branch}>
          <Icon name="git-branch" />
          <span className="ellipsis">{branch}</span>
        </span>
      )}
      <span className="source-part fixed" title={strings.header.commit(commit)}>
        <Icon name="git-commit" />
        <code>{commit.slice(0, 7)}</code>
      </span>
      {overlayFiles > 0 && <span className="source-part">{strings.header.carried(overlayFiles)}</span>}
    </div>
  );
}
