import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { launchBrowser } from '../webview/browser.ts';
import { startVsCode } from './host.ts';
import { EXTENSION, packageExtension } from './package.ts';

export interface SuiteRun {
  /** The file whose `run` the extension host calls. */
  entry: string;
  /** The folder that is opened. */
  workspace: string;
  /** A temporary folder for whatever a launcher needs; the caller removes it. */
  directory: string;
  env: Record<string, string>;
}

/** Runs a suite to its end in some VS Code. How it went is in the file that the suite writes. */
export type Launcher = (run: SuiteRun) => Promise<void>;

/** A suite that has said nothing for so long is stuck, in milliseconds. */
const TIMEOUT_MS = 180_000;

/** The VS Code server from npm, looked at by a browser; the extension is the package, installed. */
export const launchServer: Launcher = async ({ entry, workspace, directory, env }) => {
  const vsix = await packageExtension(directory);
  const vscode = await startVsCode({ extensions: [vsix], env, smokeTest: true, say: console.log });
  const browser = await launchBrowser();
  try {
    const [installed] = (await readdir(vscode.extensionsDir)).filter((name) =>
      name.startsWith('handoff.handoff-'),
    );
    const remote = (path: string) => `vscode-remote://${new URL(vscode.url).host}${path}`;
    const payload = [
      ['extensionDevelopmentPath', remote(join(vscode.extensionsDir, String(installed)))],
      ['extensionTestsPath', remote(entry)],
    ];
    const page = await browser.newPage();
    const finished = Promise.withResolvers<void>();
    await page.exposeFunction('codeAutomationLog', () => {});
    await page.exposeFunction('codeAutomationExit', () => finished.resolve());
    const query = new URLSearchParams({ folder: workspace, payload: JSON.stringify(payload) });
    await page.goto(`${vscode.url}/?${query}`);
    const late = setTimeout(() => finished.reject(new Error('the suite did not end')), TIMEOUT_MS);
    await Promise.race([finished.promise, vscode.ended]).finally(() => clearTimeout(late));
  } finally {
    await browser.close();
    await vscode.close();
  }
};

/** What is used of `@vscode/test-electron`, which is there only where somebody has installed it. */
interface TestElectron {
  runTests(options: {
    extensionDevelopmentPath: string;
    extensionTestsPath: string;
    launchArgs: string[];
    extensionTestsEnv: Record<string, string>;
  }): Promise<number>;
}

/** A desktop VS Code, downloaded by its own test package; the extension is this folder. Rejects where a test fails, too. */
export const launchDesktop: Launcher = async ({ entry, workspace, directory, env }) => {
  const electron = findTestElectron();
  if (electron === undefined)
    throw new Error('the desktop host needs a package: npm install --no-save @vscode/test-electron');
  const profile = ['user', 'extensions'].map((name) => join(directory, name));
  await electron.runTests({
    extensionDevelopmentPath: EXTENSION,
    extensionTestsPath: entry,
    extensionTestsEnv: env,
    launchArgs: [
      workspace,
      `--user-data-dir=${profile[0]}`,
      `--extensions-dir=${profile[1]}`,
      '--disable-workspace-trust',
    ],
  });
};

function findTestElectron(): TestElectron | undefined {
  try {
    return createRequire(import.meta.url)('@vscode/test-electron') as TestElectron;
  } catch {
    return undefined;
  }
}

/** By `VSCODE_TEST_HOST`: `server`, `desktop`, or `auto`, which is the desktop where one can be had. */
export async function chooseLauncher(name: string): Promise<Launcher> {
  if (name === 'server') return launchServer;
  if (name === 'desktop') return launchDesktop;
  if (name !== 'auto') throw new Error(`VSCODE_TEST_HOST is "${name}"; expected auto, desktop or server`);
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  const hasDisplay = process.platform !== 'linux' || Boolean(DISPLAY ?? WAYLAND_DISPLAY);
  const canRun = hasDisplay && findTestElectron() !== undefined && (await canDownload());
  return canRun ? launchDesktop : launchServer;
}

const canDownload = (): Promise<boolean> =>
  fetch('https://update.code.visualstudio.com/api/releases/stable', {
    signal: AbortSignal.timeout(5000),
  }).then(
    ({ ok }) => ok,
    () => false,
  );
