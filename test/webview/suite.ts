import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Browser, Locator } from 'playwright-core';
import { launchBrowser } from './browser.ts';
import { bundlePanel } from './bundle.ts';
import { openPanel, type PanelPage } from './panel-page.ts';

type Options = Parameters<typeof openPanel>[2];

/** Starting a browser for the first time unpacks it, in milliseconds. */
const START_TIMEOUT = 120_000;

/**
 * A browser and a bundle for the tests of the surrounding `describe`, and a way to open panels, which are closed after
 * each test. A test during which something was loaded, thrown or refused that should not be, fails.
 */
export function usePanels(): { open(options?: Options): Promise<PanelPage>; bundleBytes(): number } {
  let browser: Browser;
  let bundle: { dir: string; bytes: number };
  let opened: PanelPage[] = [];

  before(async function () {
    this.timeout(START_TIMEOUT);
    [bundle, browser] = await Promise.all([bundlePanel(), launchBrowser()]);
  });
  afterEach(async () => {
    const incidents = opened.flatMap((panel) => panel.incidents);
    await Promise.all(opened.map((panel) => panel.close()));
    opened = [];
    if (incidents.length > 0) throw new Error(`in the page: ${incidents.join('; ')}`);
  });
  after(async () => {
    await browser?.close();
    if (bundle) await rm(bundle.dir, { recursive: true });
  });
  return {
    bundleBytes: () => bundle.bytes,
    async open(options) {
      const panel = await openPanel(browser, bundle.dir, options);
      opened.push(panel);
      return panel;
    },
  };
}

/** What a person reads there: hidden text left out, lines as they are laid out. */
export function seen(locator: Locator): Promise<string> {
  return locator.innerText();
}

/** The same, as lines without the white space around them. */
export async function seenLines(locator: Locator): Promise<string[]> {
  const text = await seen(locator);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

/** How long the list may take to measure its rows and mount those that are in sight, in milliseconds. */
const SETTLE_TIMEOUT = 10_000;

/**
 * Waits until these are the texts of the elements: the list mounts its rows over some frames, as it measures them. Fails
 * with both lists.
 */
export async function seeLines(locator: Locator, expected: string[]): Promise<void> {
  const deadline = Date.now() + SETTLE_TIMEOUT;
  const page = locator.page();
  let texts = await locator.allTextContents();
  while (!isDeepStrictEqual(texts, expected) && Date.now() < deadline) {
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    texts = await locator.allTextContents();
  }
  assert.deepEqual(texts, expected);
}
