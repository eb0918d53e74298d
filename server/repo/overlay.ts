import type * as z from 'zod';
import { AppError } from '../errors.ts';
import type { OverlayEntry } from '../protocol/source.ts';
import type { TreeEdit } from './trees.ts';

/** The person's uncommitted files as edits of the commit's tree. Throws `overlay_invalid` where no tree can hold them all. */
export function overlayEdits(overlay: Entry[]): TreeEdit[] {
  const paths = new Set<string>();
  const files = new Set<string>();
  for (const entry of overlay) {
    const { path } = entry;
    if (paths.has(path)) throw invalid(path, 'is there twice');
    paths.add(path);
    if (!isGone(entry)) files.add(path);
    if (path.split('/').some(isGitFolder))
      throw invalid(path, 'has a component that file systems take for ".git"');
  }
  for (const path of files) {
    for (const folder of foldersOf(path)) {
      if (files.has(folder)) throw invalid(path, `is below ${JSON.stringify(folder)}, which is a file`);
    }
  }
  return overlay.map((entry) => {
    const { path, mode } = entry;
    if (entry.mode !== '160000')
      return entry.content === null
        ? { path, delete: true }
        : { path, mode, data: Buffer.from(entry.content, 'base64') };
    if (entry.oid === null) return { path, delete: true };
    if (entry.oid.length !== 40) throw invalid(path, 'is a submodule whose commits are named by SHA-256');
    return { path, mode, oid: entry.oid };
  });
}

type Entry = z.output<typeof OverlayEntry>;

const isGone = (entry: Entry): boolean => (entry.mode === '160000' ? entry.oid : entry.content) === null;

/** `a/b/c` -> `a`, `a/b` */
export function foldersOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** As Git's `core.protectHFS` and `core.protectNTFS` see it: a checkout of such a path fails. */
export function isGitFolder(component: string): boolean {
  const hfs = component.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '');
  return /^(\.git|git~1)[ .]*([:\\].*)?$/i.test(hfs);
}

function invalid(path: string, why: string): AppError {
  return new AppError('overlay_invalid', `The uncommitted file ${JSON.stringify(path)} ${why}.`, {
    nextAction: 'Save or revert that file, then delegate again.',
  });
}
