/** Takes what a model thinks out of what it says, where it writes its thoughts between tags at the beginning of its answer. */
export interface Said {
  /** @returns what of the text so far is certain to be said, and was not returned before */
  push(text: string): string;
  /** What is left at the end. */
  close(): string;
}

const OPEN = /^<(think|thinking|thought)>/;
/** The beginning of such a tag, and nothing else yet. */
const MAY_OPEN = /^(<[a-z]{0,8}>?)?$/;

/**
 * Only at the beginning: later on, the tags are what is written about. Thoughts that are never closed are all there is, and taken for
 * what was said, so that nothing is lost.
 */
export function withoutThoughts(): Said {
  /** All that came and was not returned yet. In pieces: one text that grows would be copied and searched as a whole at each of them. */
  const held: string[] = [];
  /** The end of it, in which a tag may have begun. */
  let last = '';
  let state: 'beginning' | 'thinking' | 'speaking' = 'beginning';
  let end = '';

  function look(): string {
    if (state === 'beginning') {
      last = last.trimStart();
      const tag = OPEN.exec(last);
      if (tag) {
        state = 'thinking';
        end = `</${tag[1]}>`;
      } else if (MAY_OPEN.test(last)) return '';
      else return speak(held.join(''));
    }
    const at = last.indexOf(end);
    if (at !== -1) return speak(last.slice(at + end.length).trimStart());
    last = last.slice(1 - end.length);
    return '';
  }
  function speak(text: string): string {
    state = 'speaking';
    held.length = 0;
    return text;
  }

  return {
    push(text) {
      if (state === 'speaking') return text;
      held.push(text);
      last += text;
      return look();
    },
    close: () => (state === 'speaking' ? '' : speak(held.join(''))),
  };
}
