/** Takes what a model thinks out of what it says, where it writes its thoughts between tags at the beginning of its answer. */
export interface Said {
  /** @returns what of the text so far is certain to be said, and was not returned before */
  push(text: string): string;
  /** What is left at the end. */
  close(): string;
}

const OPEN = /^\s*<(think|thinking|thought)>/;
/** The beginning of such a tag, and nothing else yet. */
const MAY_OPEN = /^\s*(<[a-z]{0,8}>?)?$/;

/**
 * Only at the beginning: later on, the tags are what is written about. Thoughts that are never closed are all there is, and taken for
 * what was said, so that nothing is lost.
 */
export function withoutThoughts(): Said {
  let held = '';
  let state: 'beginning' | 'thinking' | 'speaking' = 'beginning';
  let end = '';

  function look(): string {
    if (state === 'beginning') {
      const tag = OPEN.exec(held);
      if (tag) {
        state = 'thinking';
        end = `</${tag[1]}>`;
      } else if (MAY_OPEN.test(held)) return '';
      else return speak(held);
    }
    const at = held.indexOf(end);
    return at === -1 ? '' : speak(held.slice(at + end.length).trimStart());
  }
  function speak(text: string): string {
    state = 'speaking';
    held = '';
    return text;
  }

  return {
    push(text) {
      if (state === 'speaking') return text;
      held += text;
      return look();
    },
    close: () => (state === 'speaking' ? '' : speak(held)),
  };
}
