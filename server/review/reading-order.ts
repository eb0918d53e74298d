import { posix } from 'node:path';
import type { FileChange, Risk } from '../protocol/review.ts';
import { fileFinder, type Imported } from './imports.ts';
import { isTest } from './risk.ts';

/** A changed file, and what its text imports. */
export interface Readable {
  change: FileChange;
  imports: readonly Imported[];
}

const LEVELS: Risk['level'][] = ['high', 'normal', 'low'];

/**
 * The order in which a proposal is best read: what is risky first; of equal risk what others build on before those; a test right behind
 * what it tests; what programs made last. The same for the same files.
 */
export function readingOrder(files: readonly Readable[]): FileChange[] {
  const sorted = files.toSorted((a, b) => (a.change.path < b.change.path ? -1 : 1));
  const made = sorted.filter(({ change }) => change.generated);
  const written = sorted.filter(({ change }) => !change.generated);
  const byPath = new Map(written.map((file) => [file.change.path, file]));
  const finder = fileFinder([...byPath.keys()]);
  const importsOf = new Map([...byPath.values()].map((file) => [file, uses(file, finder, byPath)] as const));
  const testsOf = new Map<Readable, Readable[]>();
  const attached = new Set<Readable>();
  const subjectOf = subjectFinder(written);
  for (const [file, imported] of importsOf) {
    const subject = subjectOf(file, imported);
    if (subject === undefined) continue;
    attached.add(file);
    testsOf.set(subject, [...(testsOf.get(subject) ?? []), file]);
  }

  const read = new Set<Readable>();
  const begun = new Set<Readable>();
  const visit = (file: Readable): void => {
    if (begun.has(file)) return;
    begun.add(file);
    for (const other of importsOf.get(file) ?? []) {
      if (levelOf(other) === levelOf(file) && !attached.has(other)) visit(other);
    }
    read.add(file);
    for (const test of testsOf.get(file) ?? []) read.add(test);
  };
  for (const level of LEVELS) {
    for (const file of written) {
      if (levelOf(file) === level && !attached.has(file)) visit(file);
    }
  }
  return [...read, ...made].map(({ change }) => change);
}

const levelOf = ({ change }: Readable): Risk['level'] => change.risk?.level ?? 'normal';

/** The changed files that this one imports, by path. */
function uses(
  file: Readable,
  finder: (imported: Imported) => string[],
  byPath: ReadonlyMap<string, Readable>,
): Readable[] {
  const paths = new Set(file.imports.flatMap(finder));
  paths.delete(file.change.path);
  return [...paths].sort().flatMap((path) => byPath.get(path) ?? []);
}

/** Says what a test tests, of what changed: the nearest file of its name, else the only one that it imports. */
function subjectFinder(
  files: readonly Readable[],
): (test: Readable, imported: readonly Readable[]) => Readable | undefined {
  const subjects = files.filter(({ change }) => !isTest(change.path));
  const byName = Map.groupBy(subjects, ({ change }) => nameOf(change.path));
  return ({ change: { path } }, imported) => {
    if (!isTest(path)) return undefined;
    const folders = new Set(posix.dirname(path).split('/'));
    const nearness = (file: Readable): number =>
      (imported.includes(file) ? 1000 : 0) +
      posix
        .dirname(file.change.path)
        .split('/')
        .filter((folder) => folders.has(folder)).length;
    const [nearest] = (byName.get(nameOf(path)) ?? []).toSorted((a, b) => nearness(b) - nearness(a));
    if (nearest !== undefined) return nearest;
    const [only, another] = imported.filter((file) => !isTest(file.change.path));
    return another === undefined ? only : undefined;
  };
}

/** A file's name without its endings, and without what makes it a test's. */
const nameOf = (path: string): string =>
  posix
    .basename(path)
    .replace(/\..*$/, '')
    .replace(/^test_|_test$|[-_.]?(tests?|spec)$|(Tests?|Spec)$/g, '')
    .toLowerCase();
