import { usePanel, useSelect } from '../context.ts';
import { Icon } from '../icon.tsx';
import { strings } from '../strings.ts';

/** Opens a file of the repository in the editor. */
export function FileLink({ path, line = null }: { path: string; line?: number | null }) {
  const { host } = usePanel();
  const taskId = useSelect((state) => state.task?.taskId);
  if (path === '' || taskId === undefined) return null;
  return (
    <button
      type="button"
      className="link file-link"
      title={strings.tools.openFile(path)}
      onClick={() => host.post({ type: 'openFile', taskId, path, line })}
    >
      <Icon name="go-to-file" />
      <span className="ellipsis">{path}</span>
    </button>
  );
}
