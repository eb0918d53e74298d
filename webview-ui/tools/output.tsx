import { useLayoutEffect, useRef } from 'react';
import { strings } from '../strings.ts';
import { CopyButton } from '../transcript/code-block.tsx';

/** More than this of an output, in UTF-16 units, is not put into the page; the copy button has all of it. */
const SHOWN = 30_000;
/** How many lines of a running command are shown while its row is closed. */
const TAIL_LINES = 6;

/** What a tool answered, as text: clipped in the middle of nowhere never, but at its end, and said so. */
export function Output({ text }: { text: string }) {
  const shown = plainText(text);
  if (shown.trim() === '') return <p className="dim">{strings.tools.noOutput}</p>;
  return (
    <div className="output">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long output is scrolled by keyboard */}
      <pre tabIndex={0}>{shown.slice(0, SHOWN)}</pre>
      {shown.length > SHOWN && <p className="dim">{strings.tools.cut(shown.length - SHOWN)}</p>}
      <CopyButton text={shown} label={strings.tools.copyOutput} />
    </div>
  );
}

/** A running command's output so far, kept scrolled to its end. */
export function LiveOutput({ text }: { text: string }) {
  const pre = useRef<HTMLPreElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolls when there is more
  useLayoutEffect(() => {
    if (pre.current) pre.current.scrollTop = pre.current.scrollHeight;
  }, [text]);
  return (
    <div className="output live">
      <pre ref={pre}>{plainText(text)}</pre>
    </div>
  );
}

export function LiveTail({ text }: { text: string }) {
  const lines = plainText(text).trimEnd().split('\n');
  return <pre className="live-tail">{lines.slice(-TAIL_LINES).join('\n')}</pre>;
}

/** Terminal output without its escape sequences; a carriage return starts its line anew, as in a terminal. */
export function plainText(text: string): string {
  return text
    .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g, '')
    .replace(/\r\n/g, '\n')
    .replace(/^.*\r(?=[^\n])/gm, '');
}
