import type { Selection } from '../../server/protocol/commands.ts';
import { usePanel } from '../context.ts';
import { Icon, IconButton } from '../icon.tsx';
import { strings } from '../strings.ts';

/** The files and lines that the message is about. */
export function Chips({ selection }: { selection: Selection[] }) {
  const { store } = usePanel();
  if (selection.length === 0) return null;
  return (
    <ul className="chips" aria-label={strings.composer.attached}>
      {selection.map((chosen, index) => {
        const label = labelOf(chosen);
        return (
          <li
            key={`${chosen.path}:${chosen.startLine}-${chosen.endLine}`}
            className="chip"
            title={chosen.path}
          >
            <Icon name="file" />
            <span className="ellipsis">{label}</span>
            <IconButton
              icon="close"
              label={strings.composer.remove(label)}
              onClick={() => store.dispatch({ type: 'chipRemoved', index })}
            />
          </li>
        );
      })}
    </ul>
  );
}

/** `name.ts:3-9`; the whole path is in the tip. */
function labelOf({ path, startLine, endLine }: Selection): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (startLine === undefined) return name;
  return endLine === undefined || endLine === startLine
    ? `${name}:${startLine}`
    : `${name}:${startLine}-${endLine}`;
}
