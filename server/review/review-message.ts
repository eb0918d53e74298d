import type { CommentPlace } from '../protocol/comments.ts';
import type { LineRange } from '../protocol/place-now.ts';

/** What the agent is asked in one thread. */
export interface Asked {
  threadId: string;
  place: CommentPlace;
  /** Where its lines are by now; undefined where nobody can tell, for the file is no text. */
  now: LineRange | 'stale' | undefined;
  texts: string[];
}

/** Of the lines that a comment is about, what the agent reads again: it has the file. */
const SNIPPET_LINES = 40;
const SNIPPET_LENGTH = 4000;

/** The comments of a review as the one message that the agent reads. @param text what the person says of all of it */
export function reviewMessage(text: string | undefined, threads: readonly Asked[]): string {
  return [
    ...(text === undefined ? [] : [text]),
    'These are my comments on your changes. Do what they ask, and answer in each thread with the reply tool.',
    ...threads.map(threadText),
  ].join('\n\n');
}

function threadText(asked: Asked): string {
  const { threadId, place, texts } = asked;
  return [`[thread ${threadId}] ${whereText(asked)}`, quoted(place.snippet), ...texts].join('\n');
}

function whereText({ place, now }: Pick<Asked, 'place' | 'now'>): string {
  const path = /[\p{Cc}"]/u.test(place.path) ? JSON.stringify(place.path) : place.path;
  const side = place.side === 'base' ? ', as it was before your changes' : '';
  if (now === 'stale')
    return `${path}, ${linesText(place)} of revision ${place.revision}${side}; these lines have changed since:`;
  return `${path}, ${linesText(now ?? place)}${side}:`;
}

const linesText = ({ startLine, endLine }: LineRange): string =>
  startLine === endLine ? `line ${startLine}` : `lines ${startLine} to ${endLine}`;

/** Lines of a file, so that none of them can be taken for the person's words. */
function quoted(snippet: string): string {
  const lines = snippet
    .replaceAll('\0', '\u{fffd}')
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
  const shown: string[] = [];
  let length = 0;
  for (const line of lines.slice(0, SNIPPET_LINES)) {
    length += line.length;
    if (length > SNIPPET_LENGTH) break;
    shown.push(`> ${line.toWellFormed()}`);
  }
  if (shown.length < lines.length) shown.push(`> [${lines.length - shown.length} more lines]`);
  return shown.join('\n');
}
