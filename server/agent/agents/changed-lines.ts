import type { Finding } from '../../protocol/agents.ts';
import type { Hunk } from '../../protocol/review.ts';
import { ToolProblem } from '../tools/tool.ts';

/** A changed file as far as findings are about it. */
export interface ChangedLines {
  path: string;
  hunks: readonly Pick<Hunk, 'newStart' | 'newLines'>[];
}

interface Range {
  first: number;
  last: number;
}

/** Where lines were only taken out, the line before and the line behind stand for them. Of a binary file the first line does. */
function rangesOf({ hunks }: ChangedLines): Range[] {
  if (hunks.length === 0) return [{ first: 1, last: 1 }];
  return hunks.map(({ newStart, newLines }) =>
    newLines > 0
      ? { first: newStart, last: newStart + newLines - 1 }
      : { first: Math.max(1, newStart), last: newStart + 1 },
  );
}

/**
 * What a reviewer found, if all of it is on lines that were changed: the rest of the repository is not what it was asked about.
 * @throws {ToolProblem} naming each that is not
 */
export function onChangedLines(findings: readonly Finding[], files: readonly ChangedLines[]): Finding[] {
  const known = new Map(files.map((file) => [file.path, rangesOf(file)]));
  const problems = findings.flatMap(({ path, startLine, endLine }) => {
    const place = `${path}:${startLine}-${endLine}`;
    const ranges = known.get(path);
    if (ranges === undefined) return [`${place}: that file was not changed`];
    if (ranges.some(({ first, last }) => startLine <= last && endLine >= first)) return [];
    return [`${place}: the changed lines of that file are ${ranges.map(shown).join(', ')}`];
  });
  if (problems.length === 0) return [...findings];
  throw new ToolProblem(
    `The report is not taken, for some findings are not on changed lines. ${problems.join('; ')}. Name the changed lines that cause them, or leave them out.`,
  );
}

const shown = ({ first, last }: Range): string => (first === last ? `${first}` : `${first}-${last}`);
