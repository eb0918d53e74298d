import { type KeyboardEvent, useCallback, useMemo, useRef, useState } from 'react';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import { usePanel, useSelect } from '../context.ts';
import { Icon } from '../icon.tsx';
import { nextTool, type Row, rowsOf, toolOf } from '../rows.ts';
import { strings } from '../strings.ts';
import { RowView } from './row.tsx';
import { RowBoundary } from './row-boundary.tsx';
import { useFollowTail } from './use-follow-tail.ts';

/** Frames that a row which was scrolled to may take until it can be focused. */
const FOCUS_FRAMES = 20;

/**
 * The conversation. Only what is seen is in the page; it follows its end until the person scrolls away. One tool row is
 * in the tab order, arrow keys move to the others, Escape goes back to the composer.
 */
export function Transcript() {
  const { store } = usePanel();
  const task = useSelect((state) => state.task);
  const rows = useMemo(() => (task ? rowsOf(task) : []), [task]);
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const { following, jumpToEnd } = useFollowTail({ scroller, list, rows });
  const [focused, setFocused] = useState<string | null>(null);

  const focusedIndex = rows.findLastIndex((row) => (focused === null ? toolOf(row) : row.key === focused));
  const activeKey = rows[focusedIndex]?.key;

  const focusRow = useCallback(
    (index: number) => {
      const key = rows[index]?.key;
      if (key === undefined) return;
      setFocused(key);
      list.current?.scrollToIndex(index, { align: 'nearest' });
      focusWhenMounted(scroller.current, key, FOCUS_FRAMES);
    },
    [rows],
  );

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') return store.dispatch({ type: 'focusComposer' });
    const inRow = event.target instanceof HTMLElement && event.target.dataset['row'] !== undefined;
    const to = inRow ? targetOf(event.key, focusedIndex) : -1;
    if (to === -1) return;
    event.preventDefault();
    focusRow(to);
  };
  const targetOf = (key: string, from: number): number => {
    if (key === 'ArrowDown') return nextTool(rows, from, 1);
    if (key === 'ArrowUp') return nextTool(rows, from, -1);
    if (key === 'Home') return nextTool(rows, -1, 1);
    return key === 'End' ? nextTool(rows, rows.length, -1) : -1;
  };

  return (
    <main className="transcript-area">
      <section
        className="transcript"
        ref={scroller}
        aria-label={strings.transcript.label}
        onKeyDown={onKeyDown}
      >
        {rows.length === 0 && <p className="hint">{strings.transcript.empty}</p>}
        <Virtualizer ref={list} data={rows} keepMounted={keptMounted(rows, focusedIndex)}>
          {(row) => (
            <RowBoundary key={row.key}>
              <RowView row={row} active={row.key === activeKey} onFocus={setFocused} />
            </RowBoundary>
          )}
        </Virtualizer>
      </section>
      {!following && (
        <button type="button" className="jump" onClick={jumpToEnd}>
          <Icon name="arrow-down" />
          {strings.transcript.latest}
        </button>
      )}
    </main>
  );
}

/** The row that is in the tab order, and open questions: they are to be answered by keyboard wherever the list stands. */
function keptMounted(rows: Row[], focused: number): number[] {
  const open = rows.flatMap((row, index) =>
    row.kind === 'item' && row.item.kind === 'question' && row.item.answer === undefined ? [index] : [],
  );
  return focused === -1 ? open : [...open, focused];
}

/** A row that was just mounted is invisible, and so cannot be focused, until the list has measured it. */
function focusWhenMounted(within: HTMLElement | null, key: string, frames: number): void {
  const row = within?.querySelector<HTMLElement>(`[data-row="${CSS.escape(key)}"]`);
  row?.focus({ preventScroll: true });
  if (frames > 0 && (!row || row !== document.activeElement))
    requestAnimationFrame(() => focusWhenMounted(within, key, frames - 1));
}
