import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { VirtualizerHandle } from 'virtua';
import { usePanel } from '../context.ts';
import type { Row } from '../rows.ts';

/** How far from the end, in pixels, still counts as being at it. */
const AT_END = 24;
/** How long after a key or a wheel a scroll is still its doing, in milliseconds. */
const ACTS_FOR = 500;
/** How long scrolling rests before its place is saved, in milliseconds. */
const SAVE_AFTER = 150;

interface Parts {
  scroller: RefObject<HTMLDivElement | null>;
  list: RefObject<VirtualizerHandle | null>;
  rows: Row[];
}

/**
 * Keeps the end of the transcript in sight while it grows, until the person scrolls up; being at the end again resumes
 * it. The place is saved by row, not by pixel, so that it survives another width.
 */
export function useFollowTail({ scroller, list, rows }: Parts): {
  following: boolean;
  jumpToEnd: () => void;
} {
  const { host, store } = usePanel();
  const [anchor] = useState(() => {
    const { taskId, scrollAnchor } = host.saved();
    return taskId === store.get().task?.taskId ? scrollAnchor : null;
  });
  const [following, setFollowing] = useState(anchor === null);
  const follow = useRef(following);
  const latestRows = useRef(rows);
  latestRows.current = rows;

  const change = useCallback((value: boolean) => {
    follow.current = value;
    setFollowing(value);
  }, []);
  const toEnd = useCallback(() => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, [scroller]);
  const jumpToEnd = useCallback(() => {
    change(true);
    toEnd();
  }, [change, toEnd]);

  useLayoutEffect(() => {
    const index = latestRows.current.findIndex((row) => row.key === anchor?.row);
    if (anchor && index !== -1) list.current?.scrollToIndex(index, { align: 'start', offset: anchor.offset });
    else {
      change(true);
      toEnd();
    }
  }, [anchor, change, list, toEnd]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const stop = new AbortController();
    const listen = { passive: true, signal: stop.signal };
    let lastTop = element.scrollTop;
    let actedAt = Number.NEGATIVE_INFINITY;
    let held = false;
    let timer: ReturnType<typeof setTimeout> | undefined;

    /** The list moves too, when it measures rows: only what follows a person's doing ends the following. */
    const onScroll = () => {
      const { scrollTop: top, scrollHeight, clientHeight } = element;
      const isAtEnd = scrollHeight - top - clientHeight <= AT_END;
      const byPerson = held || performance.now() - actedAt < ACTS_FOR;
      if (isAtEnd && top >= lastTop) change(true);
      else if (!isAtEnd && top < lastTop && byPerson) change(false);
      lastTop = top;
      clearTimeout(timer);
      timer = setTimeout(save, SAVE_AFTER);
    };
    const onAct = (event: Event) => {
      actedAt = performance.now();
      held ||= event.type === 'pointerdown';
      // Told before the scrolling is, so that what streams in meanwhile does not pull the person back.
      if (event instanceof WheelEvent && event.deltaY < 0 && element.scrollTop > 0) change(false);
    };
    const save = () => {
      const handle = list.current;
      const index = handle?.findItemIndex(element.scrollTop) ?? 0;
      const row = latestRows.current[index];
      host.save({
        scrollAnchor:
          follow.current || !row || !handle
            ? null
            : { row: row.key, offset: element.scrollTop - handle.getItemOffset(index) },
      });
    };
    const onGrow = new ResizeObserver(() => follow.current && toEnd());
    onGrow.observe(element);
    for (const child of element.children) onGrow.observe(child);
    element.addEventListener('scroll', onScroll, listen);
    for (const type of ['wheel', 'keydown', 'pointerdown', 'touchmove'])
      element.addEventListener(type, onAct, listen);
    for (const type of ['pointerup', 'pointercancel'])
      window.addEventListener(type, () => (held = false), listen);
    return () => {
      clearTimeout(timer);
      onGrow.disconnect();
      stop.abort();
    };
  }, [scroller, list, host, change, toEnd]);

  return { following, jumpToEnd };
}
