import type { ReviewFile } from './outline.ts';

/** Files that are opened together. */
export interface Part {
  /** The place of the first of them in the order of reading, from 0. */
  first: number;
  files: readonly ReviewFile[];
}

/**
 * How many files one multi-diff editor gets. VS Code loads both sides of all of them before it shows the first: with more than these a
 * review would not open within two seconds on a small machine.
 */
export const FILES_AT_ONCE = 60;

/** The files of a review in the order of reading, as many together as open at once. */
export function partsOfReview(files: readonly ReviewFile[]): Part[] {
  const parts: Part[] = [];
  for (let first = 0; first < files.length; first += FILES_AT_ONCE)
    parts.push({ first, files: files.slice(first, first + FILES_AT_ONCE) });
  return parts;
}

/** The first part of which something is not decided; the first one where all is. */
export function firstOpen(parts: readonly Part[]): number {
  const isOpen = ({ files }: Part) =>
    files.some(({ items }) => items.some(({ state }) => state === 'pending'));
  return Math.max(0, parts.findIndex(isOpen));
}
