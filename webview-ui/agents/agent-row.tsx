import type { KeyboardEvent, ReactNode } from 'react';
import { usePanel, useSelect } from '../context.ts';
import { wholeSeconds } from '../format.ts';
import { Icon, IconButton } from '../icon.tsx';
import { strings } from '../strings.ts';
import { lastAction } from '../tools/summary.ts';
import { useNow } from '../use-now.ts';
import { AgentDetails } from './agent-details.tsx';
import {
  type AgentItem,
  childrenOf,
  icons,
  isAtWork,
  isHeld,
  silentFor,
  stateOf,
  troubles,
  usedWords,
} from './card-words.ts';

const text = strings.agents;

interface AgentRowProps {
  tool: AgentItem;
  /** As in `ToolRow`. */
  rowKey: string | undefined;
  active: boolean;
  onFocus: ((key: string) => void) | undefined;
  /** All that it said and did, in the order that it did. */
  transcript: ReactNode;
  /** The card of one of its own subagents. */
  child: (tool: AgentItem) => ReactNode;
}

/**
 * A subagent: how it is with it, what it has used up, what it does, a way to stop it, and the cards of those who work for it. It opens
 * to all that it was told, did and handed up. Right goes into a card and left out of it, as in the editor's trees.
 */
export function AgentRow({ tool, rowKey, active, onFocus, transcript, child }: AgentRowProps) {
  const { store, host } = usePanel();
  const taskId = useSelect((state) => state.task?.taskId);
  const open = useSelect((state) => state.openTools.has(tool.callId));
  const { agent } = tool;
  const atWork = isAtWork(agent);
  const now = useNow(atWork);
  const children = childrenOf(tool);
  const silent = silentFor(tool, now);
  const parked = useSelect(({ task }) => task?.status === 'asking');
  const held = useSelect(({ task }) => isHeld(task));
  const state = stateOf(agent, parked || (held && silent !== null));
  const action = agent.lastAction ?? lastAction(tool);
  const toggle = () => store.dispatch({ type: 'toolToggled', callId: tool.callId });
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (walk(event, { open, toggle })) event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the lines within
    <div className={`tool agent agent-${state}`} onKeyDown={onKeyDown}>
      <div className="agent-head">
        <button
          type="button"
          className="tool-line agent-line"
          data-row={rowKey}
          aria-expanded={open}
          tabIndex={active ? 0 : -1}
          onFocus={() => rowKey !== undefined && onFocus?.(rowKey)}
          onClick={toggle}
        >
          <Icon name={icons[state]} spin={atWork && state !== 'asking'} />
          <span className="tool-verb agent-role">{agent.role}</span>
          <span className="tool-subject">
            <bdi dir="ltr">{agent.description}</bdi>
          </span>
          <span className="tool-detail">{text.state[state]}</span>
          <span
            className={`tool-chevron codicon codicon-chevron-${open ? 'down' : 'right'}`}
            aria-hidden="true"
          />
        </button>
        {atWork && state !== 'stopping' && taskId !== undefined && (
          <IconButton
            icon="debug-stop"
            label={text.stop(text.name(agent.role, agent.description))}
            onClick={() => host.post({ type: 'stopAgent', taskId, agentId: agent.agentId })}
          />
        )}
      </div>
      <div className="agent-card">
        <p className="agent-used">{usedWords(agent, state, now).join(' · ')}</p>
        {atWork && action !== '' && <p className="agent-action ellipsis">{action}</p>}
        {silent !== null && state !== 'asking' && (
          <p className="agent-trouble">
            <Icon name="warning" />
            {text.silent(wholeSeconds(silent))}
          </p>
        )}
        {troubles(agent).map((trouble) => (
          <p key={trouble} className="agent-trouble">
            <Icon name="warning" />
            {trouble}
          </p>
        ))}
        {open ? (
          <AgentDetails tool={tool} transcript={transcript} />
        ) : (
          children.length > 0 && (
            <details className="agent-children" open={atWork}>
              <summary>{text.children(children.length)}</summary>
              <ul aria-label={text.childrenOf(agent.description)}>
                {children.map((one) => (
                  <li key={one.callId}>{child(one)}</li>
                ))}
              </ul>
            </details>
          )
        )}
      </div>
    </div>
  );
}

/** From a line of a card or within it, as in the editor's trees. @returns whether it was one of those keys */
function walk(
  event: KeyboardEvent<HTMLElement>,
  { open, toggle }: { open: boolean; toggle: () => void },
): boolean {
  const { key, currentTarget: card, target } = event;
  if (event.isDefaultPrevented() || !(target instanceof HTMLElement) || !target.matches('.tool-line'))
    return false;
  const own = card.querySelector('.agent-line');
  if (key === 'ArrowUp' || key === 'ArrowDown') {
    // From the topmost line the conversation's own rows are gone through.
    if (target.dataset['row'] !== undefined || card.parentElement?.closest('.agent')) return false;
    const lines = [...card.querySelectorAll<HTMLElement>('.tool-line')];
    lines[lines.indexOf(target) + (key === 'ArrowDown' ? 1 : -1)]?.focus();
    return true;
  }
  if (key === 'ArrowLeft') {
    if (target !== own) focus(own);
    else if (open) toggle();
    else focus(card.parentElement?.closest('.agent')?.querySelector('.agent-line'));
    return true;
  }
  if (key !== 'ArrowRight' || target !== own) return false;
  if (open) focus(card.querySelector(':scope > .agent-card .tool-line'));
  else toggle();
  return true;
}

function focus(element: Element | null | undefined): void {
  if (element instanceof HTMLElement) element.focus();
}
