import type { Setup } from '../../extension/chat/messages.ts';
import { usePanel } from '../context.ts';
import { size } from '../format.ts';
import { strings } from '../strings.ts';

/** How much of the uncommitted work travels with a new task, and the way to choose. Nothing where all is committed. */
export function Work({ work: { files, bytes, left } }: { work: NonNullable<Setup['work']> }) {
  const { host } = usePanel();
  if (files + left === 0) return null;
  const { carried, chooseWork } = strings.composer;
  const staying = left === 0 ? '' : strings.composer.staying(left);
  return (
    <button
      type="button"
      className="composer-target link"
      title={chooseWork}
      onClick={() => host.post({ type: 'previewUncommitted' })}
    >
      <span className="ellipsis">
        {carried(files, size(bytes))}
        {staying}
      </span>
    </button>
  );
}
