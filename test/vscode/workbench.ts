import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, FrameLocator, Locator, Page } from 'playwright-core';

/** A VS Code window, used as a person uses it. */
export interface Workbench {
  page: Page;
  /** Runs a command by its title, through the command palette. */
  command(title: string): Promise<void>;
  /** The entry of a file or folder in the explorer. */
  explorerItem(name: string): Locator;
  /** Right-clicks and chooses from the menu that opens; `picture` names one of it. */
  chooseFromMenu(target: Locator, entry: string, picture?: string): Promise<void>;
  /** Turns the wheel over the active editor until the target is on screen. */
  scrollTo(target: Locator): Promise<void>;
  /** The checkbox of a row in a tree view that contains the text. */
  checkbox(row: string): Locator;
  /** The content of the webview that is shown; there must be one. */
  webview(): FrameLocator;
  /** A notification that contains the text. */
  notification(text: string | RegExp): Locator;
  /** The modal dialog. */
  dialog(): Locator;
  /** Writes `name.png` into the folder for pictures, where there is one. */
  picture(name: string): Promise<void>;
  /** Every message that reached a webview, and every address that the window asked for, since it was opened. */
  heard: { messages: string[]; urls: string[] };
  /** As if the person's desktop had switched. */
  useTheme(colorScheme: 'dark' | 'light'): Promise<void>;
  close(): Promise<void>;
}

export interface WorkbenchOptions {
  browser: Browser;
  /** Origin of the server. */
  url: string;
  /** What is opened: an absolute path. */
  folder: string;
  /** Where pictures go. */
  pictures?: string | undefined;
}

/** Longer than any step takes on a busy machine, in milliseconds. */
const STEP_TIMEOUT_MS = 20_000;
/** How far one turn of the wheel scrolls. */
const WHEEL_PX = 200;
/** Longer than a workbench takes to load on a busy machine with two cores, in milliseconds. */
const LOAD_TIMEOUT_MS = 60_000;

export async function openWorkbench({
  browser,
  url,
  folder,
  pictures,
}: WorkbenchOptions): Promise<Workbench> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark' });
  // Secrets are encrypted with a key that the server mints; a fixed one lets them survive a reload.
  await context.route('**/mint-key', (route) =>
    route.fulfill({ contentType: 'application/octet-stream', body: Buffer.alloc(32, 7) }),
  );
  const heard: Workbench['heard'] = { messages: [], urls: [] };
  await context.exposeBinding('tellTest', (_source, message: string) => void heard.messages.push(message));
  await context.addInitScript(listenInFrame);
  context.on('request', (request) => void heard.urls.push(request.url()));
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_TIMEOUT_MS);
  await page.goto(`${url}/?folder=${encodeURIComponent(folder)}`);
  await page.locator('.monaco-workbench .explorer-folders-view').waitFor({ timeout: LOAD_TIMEOUT_MS });

  const takePicture = async (name: string): Promise<void> => {
    if (pictures === undefined) return;
    await mkdir(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, `${name}.png`) });
  };

  return {
    page,
    command: async (title) => {
      await page.keyboard.press('F1');
      const input = page.locator('.quick-input-widget input');
      await input.waitFor();
      await input.fill(`>${title}`);
      const entry = page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
      await entry.waitFor();
      await entry.click();
    },
    explorerItem: (name) =>
      page.locator('.explorer-folders-view .monaco-list-row', { hasText: new RegExp(`^\\s*${name}\\s*$`) }),
    chooseFromMenu: async (target, entry, picture) => {
      const item = page.locator('.monaco-menu .action-item', { hasText: entry }).first();
      // An extension's entries are there once VS Code has read its manifest, and an open menu does not learn of them.
      for (const deadline = Date.now() + LOAD_TIMEOUT_MS; ; ) {
        await target.click({ button: 'right' });
        const shown = await item.waitFor({ timeout: 1000 }).then(
          () => true,
          () => false,
        );
        if (shown) break;
        if (Date.now() > deadline) throw new Error(`the menu has no entry "${entry}"`);
        await page.keyboard.press('Escape');
      }
      await item.hover();
      if (picture !== undefined) await takePicture(picture);
      await item.click();
    },
    scrollTo: async (target) => {
      await page.locator('.editor-group-container.active').hover();
      for (const deadline = Date.now() + STEP_TIMEOUT_MS; !(await target.isVisible()); ) {
        if (Date.now() > deadline) throw new Error(`${target} did not come on screen`);
        await page.mouse.wheel(0, WHEEL_PX);
        await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
      }
    },
    checkbox: (row) =>
      page.locator('.pane-body .monaco-list-row', { hasText: row }).locator('.monaco-custom-toggle').first(),
    webview: () => page.frameLocator('iframe.webview.ready').frameLocator('#active-frame'),
    notification: (text) => page.locator('.notification-toast', { hasText: text }),
    dialog: () => page.locator('.monaco-dialog-box'),
    picture: takePicture,
    heard,
    useTheme: (colorScheme) => page.emulateMedia({ colorScheme }),
    close: () => context.close(),
  };
}

/**
 * Runs in every frame before its own scripts: passes on what is posted to a webview's page. That page is written into its
 * frame by `document.open`, which forgets listeners; so ours is added whenever the page adds one.
 */
function listenInFrame(): void {
  const tellTest: unknown = Reflect.get(window, 'tellTest');
  if (window.self === window.top || typeof tellTest !== 'function') return;
  const tell = ({ data }: MessageEvent): void => void tellTest(JSON.stringify(data) ?? '');
  const add = window.addEventListener.bind(window);
  Reflect.set(window, 'addEventListener', (...args: Parameters<typeof add>) => {
    if (args[0] === 'message') add('message', tell);
    add(...args);
  });
}
