import type { ReviewFile, ReviewItem } from './outline.ts';

/** A row of the review: what its commands get. */
export type ReviewNode =
  | { kind: 'section'; taskId: string; section: Section }
  | { kind: 'folder'; taskId: string; section: Section; folder: string; paths: string[] }
  | { kind: 'file'; taskId: string; path: string }
  | { kind: 'item'; taskId: string; path: string; hash: string };

/** What is to be read, and what programs made of other files: that is folded away at the end. */
export type Section = 'read' | 'generated';

const sectionOf = ({ file }: ReviewFile): Section => (file.generated ? 'generated' : 'read');

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** The rows below `node`; the topmost ones where there is none. */
export function rowsBelow(taskId: string, files: readonly ReviewFile[], node?: ReviewNode): ReviewNode[] {
  if (node === undefined) {
    const hasGenerated = files.some((file) => sectionOf(file) === 'generated');
    if (!hasGenerated) return folders(taskId, files, 'read');
    const hasOthers = files.some((file) => sectionOf(file) === 'read');
    const sections: Section[] = hasOthers ? ['read', 'generated'] : ['generated'];
    return sections.map((section) => ({ kind: 'section', taskId, section }));
  }
  if (node.kind === 'section') return folders(taskId, files, node.section);
  if (node.kind === 'folder') return node.paths.map((path) => ({ kind: 'file', taskId, path }));
  if (node.kind === 'item') return [];
  const items = files.find(({ file }) => file.path === node.path)?.items ?? [];
  // One item is the file's own row.
  if (items.length < 2) return [];
  return items.map(({ hash }) => ({ kind: 'item', taskId, path: node.path, hash }));
}

/** Files that follow each other and are in one folder, below it. A folder comes again where the order of reading comes back to it. */
function folders(taskId: string, files: readonly ReviewFile[], section: Section): ReviewNode[] {
  const found: Extract<ReviewNode, { kind: 'folder' }>[] = [];
  for (const shown of files) {
    if (sectionOf(shown) !== section) continue;
    const { path } = shown.file;
    const folder = folderOf(path);
    const last = found.at(-1);
    if (last?.folder === folder) last.paths.push(path);
    else found.push({ kind: 'folder', taskId, section, folder, paths: [path] });
  }
  return found;
}

/** The files that a row stands for. */
export function filesOf(files: readonly ReviewFile[], node: ReviewNode): ReviewFile[] {
  if (node.kind === 'section') return files.filter((file) => sectionOf(file) === node.section);
  const paths = new Set(node.kind === 'folder' ? node.paths : [node.path]);
  return files.filter(({ file }) => paths.has(file.path));
}

/** All that a row decides. */
export function itemsOf(files: readonly ReviewFile[], node: ReviewNode): ReviewItem[] {
  const items = filesOf(files, node).flatMap((file) => file.items);
  return node.kind === 'item' ? items.filter(({ hash }) => hash === node.hash) : items;
}

/** What keeping a row accepts of it: nothing that was undone, unless the row is of that alone. */
export function keptBy(files: readonly ReviewFile[], node: ReviewNode): ReviewItem[] {
  const items = itemsOf(files, node);
  const open = items.filter(({ state }) => state !== 'rejected');
  const isGroup = node.kind === 'section' || node.kind === 'folder';
  return isGroup || open.length > 0 ? open : items;
}

/** Unique, and the same in every revision as far as it can be. */
export function idOf(node: ReviewNode): string {
  const { kind, taskId } = node;
  if (kind === 'section') return JSON.stringify([kind, taskId, node.section]);
  // The first file tells folders apart that come again.
  if (kind === 'folder') return JSON.stringify([kind, taskId, node.section, node.folder, node.paths[0]]);
  return JSON.stringify([kind, taskId, node.path, ...(kind === 'item' ? [node.hash] : [])]);
}
