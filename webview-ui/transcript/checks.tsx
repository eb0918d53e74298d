import type { Check } from '../../server/protocol/task.ts';
import { usePanel, useSelect } from '../context.ts';
import { duration } from '../format.ts';
import { Icon } from '../icon.tsx';
import { strings } from '../strings.ts';
import { Output } from '../tools/output.tsx';

const text = strings.checks;
const icons = { running: 'loading', passed: 'pass', failed: 'error', cancelled: 'circle-slash' };

/** The repository's own checks on what a turn left, a row each. */
export function Checks({ turnId, checks }: { turnId: string; checks: Check[] }) {
  return (
    <ul className="checks" aria-label={text.label}>
      {checks.map((check) => (
        <CheckRow key={check.name} id={`${turnId}/check/${check.name}`} check={check} />
      ))}
    </ul>
  );
}

/** @param id by which it stays open */
function CheckRow({ id, check }: { id: string; check: Check }) {
  const { name, command, outcome, output, durationMs } = check;
  const { store } = usePanel();
  const open = useSelect((state) => state.openTools.has(id));
  const status = outcome ?? 'running';
  return (
    <li className={`check check-${status}`}>
      <button
        type="button"
        className="tool-line"
        aria-expanded={open}
        onClick={() => store.dispatch({ type: 'toolToggled', callId: id })}
      >
        <Icon name={icons[status]} spin={status === 'running'} />
        <span className="tool-verb">{name}</span>
        <span className="tool-subject code">{command}</span>
        <span className="tool-detail">
          {[text[status], ...(durationMs === undefined ? [] : [duration(durationMs)])].join(' · ')}
        </span>
        <span
          className={`tool-chevron codicon codicon-chevron-${open ? 'down' : 'right'}`}
          aria-hidden="true"
        />
      </button>
      {open && (
        <div className="tool-body">
          <pre className="command">
            <span className="prompt" aria-hidden="true">
              ${' '}
            </span>
            {command}
          </pre>
          {output !== undefined && <Output text={output} />}
        </div>
      )}
    </li>
  );
}
