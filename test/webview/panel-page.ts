import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { panelHtml } from '../../extension/chat/html.ts';
import type { FromPanel, ToPanel } from '../../extension/chat/messages.ts';
import { type Theme, type ThemeName, themes } from './themes.ts';

/** Shorter than a test's own, so that what was waited for is named, in milliseconds. */
const ACTION_TIMEOUT = 10_000;
const ORIGIN = 'http://panel.test';
const types: Record<string, string> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.ttf': 'font/ttf',
};

interface Options {
  theme?: ThemeName;
  width?: number;
  height?: number;
  /** What VS Code kept of an earlier page. */
  saved?: unknown;
}

/** The panel in a browser, with the test in the extension's place. */
export interface PanelPage {
  page: Page;
  post(...messages: ToPanel[]): Promise<void>;
  /** Everything that the panel has posted, oldest first. */
  posted(): Promise<FromPanel[]>;
  /** Resolves with the newest message of a type, once there is one. */
  message<Type extends FromPanel['type']>(type: Type): Promise<Extract<FromPanel, { type: Type }>>;
  /** What the panel asked VS Code to keep. */
  kept(): Promise<unknown>;
  /** Requests that left the panel's own files, dialogs, script errors and refusals of the policy: all must be none. */
  incidents: string[];
  close(): Promise<void>;
}

/** What the stub of VS Code's API keeps in the page. */
interface Stub {
  posted: unknown[];
  state: unknown;
}
type StubWindow = Window & { stub: Stub; acquireVsCodeApi: () => unknown };

/** @param dir where `bundlePanel` put the panel */
export async function openPanel(browser: Browser, dir: string, options: Options = {}): Promise<PanelPage> {
  const { theme = 'dark', width = 400, height = 800, saved } = options;
  const context = await browser.newContext({ viewport: { width, height }, reducedMotion: 'reduce' });
  context.setDefaultTimeout(ACTION_TIMEOUT);
  const page = await context.newPage();
  const incidents: string[] = [];
  page.on('dialog', (dialog) => {
    incidents.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => incidents.push(`error: ${error.message}`));
  page.on('popup', () => incidents.push('popup'));
  page.on('console', (message) => {
    if (message.type() === 'error') incidents.push(`console: ${message.text()}`);
  });
  await context.route('**/*', async (route) => {
    const url = new URL(route.request().url());
    const name = url.pathname.slice(1);
    if (url.origin === ORIGIN && name === '')
      return route.fulfill({ contentType: 'text/html', body: html() });
    if (url.origin === ORIGIN && /^(webview\.(js|css)|highlight\.mjs|codicon\.(css|ttf))$/.test(name)) {
      const type = types[path.extname(name)] ?? 'application/octet-stream';
      return route.fulfill({ contentType: type, body: await readFile(path.join(dir, name)) });
    }
    incidents.push(`request: ${url.href}`);
    return route.abort();
  });
  await page.addInitScript(stubApi, saved);
  await page.goto(`${ORIGIN}/`);
  await page.evaluate(applyTheme, themes[theme] as Theme);

  const posted = () => page.evaluate(() => (window as unknown as StubWindow).stub.posted as FromPanel[]);
  return {
    page,
    incidents,
    posted,
    async post(...messages) {
      await page.evaluate((all) => {
        for (const data of all) window.dispatchEvent(new MessageEvent('message', { data }));
      }, messages);
    },
    async message(type) {
      await page.waitForFunction(
        (wanted) =>
          ((window as unknown as StubWindow).stub.posted as FromPanel[]).some(
            (message) => message.type === wanted,
          ),
        type,
      );
      const found = (await posted()).findLast((message) => message.type === type);
      return found as Extract<FromPanel, { type: typeof type }>;
    },
    kept: () => page.evaluate(() => (window as unknown as StubWindow).stub.state),
    close: () => context.close(),
  };
}

function html(): string {
  return panelHtml({
    nonce: 'bm9uY2Utb2YtdGhlLXRlc3Q',
    cspSource: ORIGIN,
    scriptUri: `${ORIGIN}/webview.js`,
    styleUris: [`${ORIGIN}/codicon.css`, `${ORIGIN}/webview.css`],
  });
}

/** Runs in the page before its scripts. */
function stubApi(saved: unknown): void {
  const stub: Stub = { posted: [], state: saved };
  const target = window as unknown as StubWindow;
  target.stub = stub;
  target.acquireVsCodeApi = () => ({
    postMessage: (message: unknown) => stub.posted.push(message),
    getState: () => stub.state,
    setState: (state: unknown) => {
      stub.state = state;
    },
  });
}

/** Runs in the page. */
function applyTheme({ bodyClass, variables }: Theme): void {
  document.body.classList.add(bodyClass);
  for (const [name, value] of Object.entries(variables))
    document.documentElement.style.setProperty(`--vscode-${name}`, value);
}
