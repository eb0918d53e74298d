import { basename } from 'node:path';
import type { Locator } from 'playwright-core';
import type { Workbench } from '../vscode/workbench.ts';

/** The review in a VS Code window, as a person sees and uses it. */
export function reviewPage({ page, scrollTo }: Workbench) {
  /** The part of the multi-diff editor that shows a file. */
  const file = (path: string): Locator =>
    page.locator('.multiDiffEntry', { has: page.locator('.header', { hasText: basename(path) }) });
  /** A thread of a file by some words of it: the toolbar of a change, or a conversation. */
  const thread = (path: string, words: string): Locator =>
    file(path).locator('.review-widget', { hasText: words });
  /** A line as the proposal's side shows it, by some characters of it that are coloured alike. */
  const proposed = (path: string, words: string): Locator =>
    file(path).locator('.editor.modified .view-line', { hasText: words });

  return {
    file,
    thread,
    proposed,
    /** The tab of the multi-diff editor. */
    tab: (files: number): Locator =>
      page.getByRole('tab', { name: `(${files} file${files === 1 ? '' : 's'})` }),
    /** What the review view says of how far the person is. */
    progress: (decided: number, total: number): Locator =>
      page.locator('.pane-header', { hasText: `${decided} of ${total} decided` }),
    /** A row of the review view. */
    row: (words: string): Locator => page.locator('.pane-body .monaco-list-row', { hasText: words }),

    async keep(path: string, words: string): Promise<void> {
      await scrollTo(thread(path, words));
      await thread(path, words).locator('a[aria-label^="Keep Change"]').click();
    },
    /** By the arrow that the diff editor itself has between its sides; `index` counts those that are there, from above. */
    async revert(path: string, index: number): Promise<void> {
      await file(path).locator('a.codicon-arrow-right').nth(index).click();
    },
    /** Writes below a thread and presses one of the buttons there. */
    async reply(path: string, words: string, text: string, button: string): Promise<void> {
      const target = thread(path, words);
      await scrollTo(target);
      await target.locator('.review-thread-reply-button').click();
      await page.keyboard.type(text);
      const send = target.getByRole('button', { name: button });
      await scrollTo(send);
      await send.click();
    },
  };
}
