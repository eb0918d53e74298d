import type { Selection } from '../../server/protocol/commands.ts';
import { Icon, IconButton } from '../icon.tsx';
import { strings } from '../strings.ts';

interface ChipsProps {
  selection: Selection[];
  /** Takes the chip of that index away; absent where they are what was said already. */
  onRemove?: (index: number) => void;
}

/** The files and lines that a message is about. */
export function Chips({ selection, onRemove }: ChipsProps) {
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
            {onRemove && (
              <IconButton
                icon="close"
                label={strings.composer.remove(label)}
                onClick={() => onRemove(index)}
              />
            )}
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
