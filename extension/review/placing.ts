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

/** The item at a line (0-based) of a document, or the nearest one. */
export function itemAt(
  review: Review,
  shown: ReviewFile,
  side: 'base' | 'proposal',
  line: number,
): ReviewItem | undefined {
  const away = ({ start, lines }: Place): number =>
    Math.max(start - line, line - (start + Math.max(lines, 1) - 1), 0);
  const placed =
    side === 'proposal'
      ? placedItems(review, shown)
      : placedItems(review, shown).map(([item, place]): [ReviewItem, Place] => [
          item,
          item.hunk ? { start: Math.max(0, item.hunk.oldStart - 1), lines: item.hunk.oldLines } : place,
        ]);
  return placed.sort((a, b) => away(a[1]) - away(b[1]))[0]?.[0];
}
