import { posix } from 'node:path';

/** Another file as an import names it, without its ending. */
export interface Imported {
  stem: string;
  /** The end of a path, counted from some root that only the build knows; else all of it. */
  isEnd?: boolean;
  /** All files of that folder. */
  isFolder?: boolean;
}

/** Enough for whatever stands at the beginning of a file; imports further down are rare. */
const SCANNED = 200_000;

type Scan = (text: string, folder: string) => Imported[];

const find = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].flatMap((match) => match.slice(1).filter((found) => found !== undefined));

const relative = (folder: string, name: string): Imported => ({ stem: stemOf(posix.join(folder, name)) });

const javascript: Scan = (text, folder) =>
  find(text, /(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\()\s*['"](\.{1,2}\/[^'"\n]+)['"]/g).map((name) =>
    relative(folder, name),
  );

const python: Scan = (text, folder) => {
  const plain = find(text, /^[ \t]*import[ \t]+([\w.]+)/gm).map((name) => [name]);
  const from = [...text.matchAll(/^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+\(?([\w, \t]+)/gm)].map(
    ([, module = '', names = '']) => [
      module,
      ...names.split(',').map((name) => `${module}.${name.trim().split(/\s/)[0] ?? ''}`),
    ],
  );
  return [...plain, ...from].flat().map((name) => {
    const [, dots = '', rest = ''] = /^(\.*)(.*)$/.exec(name) ?? [];
    const path = rest.split('.').filter(Boolean).join('/');
    if (dots === '') return { stem: path, isEnd: true };
    return { stem: posix.join(folder, '../'.repeat(dots.length - 1), path) };
  });
};

const go: Scan = (text) =>
  find(text, /^\s*(?:import\s+)?(?:[\w.]+\s+)?"([^"\n]+\/[^"\n]+)"\s*$/gm).map((stem) => ({
    stem,
    isFolder: true,
    isEnd: true,
  }));

const rust: Scan = (text, folder) => [
  ...find(text, /^\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;/gm).map((name) => relative(folder, name)),
  ...find(text, /\buse\s+(?:crate|super|self)::([\w:]+)/g).flatMap((name) => {
    const parts = name.split('::').filter(Boolean);
    return parts.map((_, index) => ({ stem: parts.slice(0, index + 1).join('/'), isEnd: true }));
  }),
];

const java: Scan = (text) =>
  find(text, /^\s*(?:import|using)\s+(?:static\s+)?([\w.]+)/gm).map((name) => ({
    stem: name.replaceAll('.', '/'),
    isEnd: true,
  }));

const c: Scan = (text, folder) =>
  find(text, /^\s*#\s*include\s*"([^"\n]+)"/gm).flatMap((name) => [
    relative(folder, name),
    { stem: stemOf(name), isEnd: true },
  ]);

const ruby: Scan = (text, folder) =>
  find(text, /^\s*require_relative\s*\(?\s*['"]([^'"\n]+)['"]/gm).map((name) => relative(folder, name));

const css: Scan = (text, folder) =>
  find(text, /@(?:import|use|forward)\s+(?:url\()?['"]([^'"\n]+)['"]/g).map((name) => relative(folder, name));

const SCANS: Record<string, Scan> = {
  ...Object.fromEntries(
    ['js', 'mjs', 'cjs', 'jsx', 'ts', 'mts', 'cts', 'tsx', 'vue', 'svelte'].map((end) => [end, javascript]),
  ),
  ...Object.fromEntries(['java', 'kt', 'kts', 'scala', 'cs'].map((end) => [end, java])),
  ...Object.fromEntries(['c', 'h', 'cc', 'cpp', 'cxx', 'hpp', 'm', 'mm'].map((end) => [end, c])),
  ...Object.fromEntries(['css', 'scss', 'less'].map((end) => [end, css])),
  py: python,
  go,
  rs: rust,
  rb: ruby,
};

/** What a file's text seems to import: a quick look, which may name what is not there. */
export function importsOf(path: string, text: string): Imported[] {
  const end = /\.(\w+)$/.exec(path)?.[1] ?? '';
  const scan = Object.hasOwn(SCANS, end) ? SCANS[end] : undefined;
  return scan?.(text.slice(0, SCANNED), posix.dirname(path)) ?? [];
}

/** Finds files by how they are imported. */
export function fileFinder(paths: readonly string[]): (imported: Imported) => string[] {
  const byStem = new Map<string, string[]>();
  const byName = new Map<string, string[]>();
  const byFolder = new Map<string, string[]>();
  /** Folders by their last name. */
  const byEnd = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, key: string, path: string): void => {
    const known = map.get(key);
    if (known) known.push(path);
    else map.set(key, [path]);
  };
  for (const path of paths) {
    for (const stem of stemsOf(path)) {
      add(byStem, stem, path);
      add(byName, posix.basename(stem), path);
    }
    add(byFolder, posix.dirname(path), path);
  }
  for (const folder of byFolder.keys()) add(byEnd, posix.basename(folder), folder);
  return ({ stem, isEnd = false, isFolder = false }) => {
    if (isFolder) {
      const folders = byEnd.get(posix.basename(stem)) ?? [];
      return folders.flatMap((folder) => (stem.endsWith(`/${folder}`) ? (byFolder.get(folder) ?? []) : []));
    }
    if (!isEnd) return byStem.get(stem) ?? [];
    const named = byName.get(posix.basename(stem)) ?? [];
    return named.filter((path) => stemsOf(path).some((full) => full === stem || full.endsWith(`/${stem}`)));
  };
}

/** The names by which a file can be imported: without its ending, and by its folder where it speaks for that. */
function stemsOf(path: string): string[] {
  const stem = stemOf(path);
  return /\/(index|__init__|mod)$/.test(stem) ? [stem, posix.dirname(stem)] : [stem];
}

const stemOf = (path: string): string => posix.normalize(path).replace(/(\.d)?\.\w+$/, '');
