import type { Item } from '../../server/protocol/task.ts';
import { AgentRow } from '../agents/agent-row.tsx';
import { usePanel, useSelect } from '../context.ts';
import { Icon } from '../icon.tsx';
import type { ToolItem } from '../rows.ts';
import { strings } from '../strings.ts';
import { isRunning, pathField, textField } from '../tools/input.ts';
import { LiveTail } from '../tools/output.tsx';
import { bodyOf } from '../tools/registry.tsx';
import { lastAction, summaryOf } from '../tools/summary.ts';
import { Said } from './said.tsx';

/** Of what a subagent did, so much is shown; what it made of it is in its answer. */
const NESTED_SHOWN = 200;

interface ToolRowProps {
  tool: ToolItem;
  /** Absent in a subagent's transcript, whose rows are not among those that the arrow keys go through. */
  rowKey?: string | undefined;
  /** Whether it is in the tab order. */
  active: boolean;
  onFocus?: ((key: string) => void) | undefined;
}

/** A tool call; a subagent's is its card. */
export function ToolRow({ rowKey, tool, active, onFocus }: ToolRowProps) {
  const { agent } = tool;
  if (agent === undefined) return <CallRow rowKey={rowKey} tool={tool} active={active} onFocus={onFocus} />;
  return (
    <AgentRow
      tool={{ ...tool, agent }}
      rowKey={rowKey}
      active={active}
      onFocus={onFocus}
      transcript={tool.items && <Nested tool={tool} items={tool.items} />}
      child={(one) => <ToolRow tool={one} active />}
    />
  );
}

/** One line that says what was done, which opens to show how. */
function CallRow({ rowKey, tool, active, onFocus }: ToolRowProps) {
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
        onFocus={() => rowKey !== undefined && onFocus?.(rowKey)}
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
      {!open && running && <Tail tool={tool} />}
      {open && (
        <div className="tool-body">
          <Body tool={tool} transcript={tool.items && <Nested tool={tool} items={tool.items} />} />
        </div>
      )}
    </div>
  );
}

/** What a running call is at, below its closed row. */
function Tail({ tool }: { tool: ToolItem }) {
  if (tool.live) return <LiveTail text={tool.live} />;
  const action = lastAction(tool);
  return action === '' ? null : <p className="live-tail last-action">{action}</p>;
}

/** What a subagent said and did, in its caller's row. */
function Nested({ tool, items }: { tool: ToolItem; items: Item[] }) {
  const hidden = Math.max(0, items.length - NESTED_SHOWN);
  const label = strings.tools.subagent(textField(tool.input, 'description'));
  return (
    <section className="nested" aria-label={label}>
      {hidden > 0 && <p className="dim">{strings.tools.earlier(hidden)}</p>}
      {items.slice(hidden).map((item, index) =>
        item.kind === 'tool' ? (
          <ToolRow key={item.callId} tool={item} active />
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: entries are only ever added at the end
          <Said key={hidden + index} item={item} />
        ),
      )}
    </section>
  );
}
