import type { Check, TaskState } from '../../server/protocol/task.ts';
import { usePanel, useSelect } from '../context.ts';
import { duration } from '../format.ts';
import { Icon } from '../icon.tsx';
import { strings } from '../strings.ts';
import { Output } from '../tools/output.tsx';

const text = strings.checks;
const icons = { running: 'loading', passed: 'pass', failed: 'error', cancelled: 'circle-slash' };

/** The repository's own checks on what a turn left, a row each; @param last whether it is what the proposal is by now */
export function Checks({ turnId, checks, last }: { turnId: string; checks: Check[]; last: boolean }) {
  const accepted = useSelect(({ task }) => acceptedOf(task));
  const isOutdated =
    last && accepted !== undefined && checks.some(({ tree = accepted }) => tree !== accepted);
  return (
    <>
      <ul className="checks" aria-label={text.label}>
        {checks.map((check) => (
          <CheckRow key={check.name} id={`${turnId}/check/${check.name}`} check={check} />
        ))}
      </ul>
      {isOutdated && <p className="dim">{text.outdated}</p>}
    </>
  );
}

/** The tree that was accepted, where something was. */
function acceptedOf(task: TaskState | null): string | undefined {
  const accepted = task?.review?.acceptedTree;
  return accepted === task?.proposal?.baseTree ? undefined : accepted;
}

/** @param id by which it stays open */
function CheckRow({ id, check }: { id: string; check: Check }) {
  const { name, command, outcome, output, durationMs, tree } = check;
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
          {tree !== undefined && <p className="dim">{text.on(tree.slice(0, 12))}</p>}
        </div>
      )}
    </li>
  );
}
