import { LIMITS } from './limits.ts';

/** A part of a text, by lines. */
export interface Page {
  /** Of the first line, from 1. */
  offset: number;
  /** How many lines. */
  limit: number;
  /** Where in each line to begin, from 1, in UTF-16 units. */
  column: number;
}

/** Takes a text in pieces of any size and keeps the numbered lines of one page of it, whatever the size of the whole. */
export interface Pager {
  push(text: string): void;
  /** Lines of the page, and of the whole. `next`: the line that the page stopped before; undefined where it has all the rest. */
  end(): { shown: string[]; lines: number; next: number | undefined };
}

export function createPager({ offset, limit, column }: Page): Pager {
  const shown: string[] = [];
  const most = column - 1 + LIMITS.readLineLength;
  let bytes = 0;
  let next: number | undefined;
  let line = 1;
  /** Of the line that has not ended: what could be shown of it, how long it is, and whether its last character was `\r`. */
  let [kept, length, isReturn] = ['', 0, false];

  const isWanted = (): boolean => line >= offset && next === undefined;
  const extend = (text: string): void => {
    if (text === '') return;
    if (isWanted() && kept.length < most + 1) kept += text.slice(0, most + 1 - kept.length);
    length += text.length;
    isReturn = text.endsWith('\r');
  };
  const endLine = (): void => {
    if (isWanted()) {
      const whole = isReturn ? length - 1 : length;
      const numbered = `${line}: ${cut(kept.slice(0, whole), whole, column)}`;
      const size = Buffer.byteLength(numbered) + 1;
      const isFull = shown.length === limit || (shown.length > 0 && bytes + size > LIMITS.readBytes);
      if (isFull) next = line;
      else shown.push(numbered);
      bytes += size;
    }
    line += 1;
    [kept, length, isReturn] = ['', 0, false];
  };

  return {
    push(text) {
      let from = 0;
      for (let to = text.indexOf('\n'); to !== -1; to = text.indexOf('\n', from)) {
        extend(text.slice(from, to));
        endLine();
        from = to + 1;
      }
      extend(text.slice(from));
    },
    end() {
      if (length > 0) endLine();
      return { shown, lines: line - 1, next };
    },
  };
}

/** @param kept the line's beginning, as far as it can be shown @param length of the whole line */
function cut(kept: string, length: number, column: number): string {
  const end = column - 1 + LIMITS.readLineLength;
  const part = kept.slice(column - 1, end).toWellFormed();
  const before = column > 1 && length > 0 ? '… ' : '';
  if (length <= end) return before + part;
  return `${before}${part} [${length - end} more characters in this line; column ${end + 1} shows them]`;
}

/**
 * A page as the model reads it.
 * @param name what it is of, as the model asks for it
 */
export function pageText(name: string, page: Page, { shown, lines, next }: ReturnType<Pager['end']>): string {
  if (lines === 0) return `${name} is empty.`;
  if (page.offset > lines) return `${name} has ${lines} lines; there is nothing from line ${page.offset} on.`;
  if (next === undefined) return shown.join('\n');
  return `${shown.join('\n')}\n[${name} has ${lines} lines; go on with offset ${next}]`;
}
