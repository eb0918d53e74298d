import { type Place, placesIn } from './kept.ts';
import { type ReviewFile, type ReviewItem, rejectedOf } from './outline.ts';
import type { Review } from './session.ts';

/** The file of a review that a document of either side shows. */
export function fileAt(review: Review, path: string): ReviewFile | undefined {
  return review.files.find(({ file, from }) => file.path === path || from?.path === path);
}

/** Where each item of a file is in its proposal document; what was rejected is nowhere. */
export function placedItems(review: Review, { file, items }: ReviewFile): [ReviewItem, Place][] {
  const places = placesIn(file, rejectedOf(review.decided, file.path));
  return items.flatMap((item): [ReviewItem, Place][] => {
    if (item.state === 'rejected') return [];
    if (item.kind !== 'hunk') return [[item, { start: 0, lines: 1 }]];
    const place = places.get(item.hash);
    return place ? [[item, place]] : [];
  });
}

/**
 * The item at a line (0-based) of a document. A hunk that has no line on that side is at those around it; one that
 * has the line itself goes before. Of a file without hunks every line is the item.
 */
export function itemAt(
  review: Review,
  shown: ReviewFile,
  side: 'base' | 'proposal',
  line: number,
): ReviewItem | undefined {
  const isAt = ({ start, lines }: Place) => start <= line && line < start + lines;
  const isBeside = ({ start, lines }: Place) => lines === 0 && Math.abs(start - line) <= 1;
  const { hunks, others } = sorted(review, shown);
  const placed = hunks.map(([item, place]): [ReviewItem, Place] =>
    side === 'proposal' || !item.hunk
      ? [item, place]
      : [item, { start: Math.max(0, item.hunk.oldStart - 1), lines: item.hunk.oldLines }],
  );
  const found = [isAt, isBeside].flatMap((is) => placed.filter(([, place]) => is(place)));
  const isOther = line === 0 || !shown.items.some(({ kind }) => kind === 'hunk');
  return found[0]?.[0] ?? (isOther ? others[0] : undefined);
}

/** A difference between a proposal (the original) and the person's file, as the editor tells it: lines are 1-based, an end of 0 is none. */
export interface LineChange {
  originalStartLineNumber: number;
  originalEndLineNumber: number;
}

/** The items of a file which a difference from its proposal touches. */
export function itemsIn(review: Review, shown: ReviewFile, change: LineChange): ReviewItem[] {
  const { originalStartLineNumber: first, originalEndLineNumber: last } = change;
  const touches = ({ start, lines }: Place): boolean => {
    if (last > 0)
      return lines > 0 ? start < last && first <= start + lines : first - 2 <= start && start < last;
    return lines > 0 ? start < first && first < start + lines : start === Math.max(0, first - 1);
  };
  const { hunks, others } = sorted(review, shown);
  if (!shown.items.some(({ kind }) => kind === 'hunk')) return others;
  return hunks.filter(([, place]) => touches(place)).map(([item]) => item);
}

function sorted(review: Review, shown: ReviewFile) {
  const placed = placedItems(review, shown);
  return {
    hunks: placed.filter(([{ kind }]) => kind === 'hunk'),
    others: placed.flatMap(([item]) => (item.kind === 'hunk' ? [] : [item])),
  };
}
