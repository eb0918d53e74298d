import { usePanel, useSelect } from '../context.ts';
import { Icon } from '../icon.tsx';
import type { ToolItem } from '../rows.ts';
import { isRunning, pathField } from '../tools/input.ts';
import { LiveTail } from '../tools/output.tsx';
import { bodyOf } from '../tools/registry.tsx';
import { summaryOf } from '../tools/summary.ts';

interface ToolRowProps {
  rowKey: string;
  tool: ToolItem;
  active: boolean;
  onFocus: (key: string) => void;
}

/** A tool call: one line that says what was done, which opens to show how. */
export function ToolRow({ rowKey, tool, active, onFocus }: ToolRowProps) {
  const { store } = usePanel();
  const open = useSelect((state) => state.openTools.has(tool.callId));
  const running = isRunning(tool);
  const { icon, verb, subject, code, detail } = summaryOf(tool);
  const Body = bodyOf(tool.name);
  return (
    <div className={`tool${tool.isError ? ' tool-failed' : ''}`}>
      <button
        type="button"
        className="tool-line"
        data-row={rowKey}
        aria-expanded={open}
        tabIndex={active ? 0 : -1}
        onFocus={() => onFocus(rowKey)}
        onClick={() => store.dispatch({ type: 'toolToggled', callId: tool.callId })}
      >
        <Icon name={running ? 'loading' : tool.isError ? 'error' : icon} spin={running} />
        <span className="tool-verb">{verb}</span>
        {subject !== '' && (
          <span className={`tool-subject${code ? ' code' : ''}${subject === pathField(tool) ? ' path' : ''}`}>
            <bdi dir="ltr">{subject}</bdi>
          </span>
        )}
        {detail.length > 0 && <span className="tool-detail">{detail.join(' · ')}</span>}
        <span
          className={`tool-chevron codicon codicon-chevron-${open ? 'down' : 'right'}`}
          aria-hidden="true"
        />
      </button>
      {!open && running && tool.live && <LiveTail text={tool.live} />}
      {open && (
        <div className="tool-body">
          <Body tool={tool} />
        </div>
      )}
    </div>
  );
}
