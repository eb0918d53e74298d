import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { ISOLATED_GIT } from '../fakes/git.ts';
import { type HostOptions, startVsCode } from '../vscode/host.ts';
import { packageExtension } from '../vscode/package.ts';
import { openWorkbench, type Workbench } from '../vscode/workbench.ts';
import { launchBrowser } from '../webview/browser.ts';
import type { Stage } from './stage.ts';

/** The person's editor on a stage. */
export interface Editor {
  /** On their clone. */
  window: Workbench;
  close(): Promise<void>;
}

/** @param more what the editor has besides our extension, as packaged, and besides where the relay's data is */
export async function openEditor(
  stage: Pick<Stage, 'directory' | 'data' | 'clone'>,
  { extensions = [], settings = {}, env = {} }: Pick<HostOptions, 'extensions' | 'settings' | 'env'> = {},
): Promise<Editor> {
  const vscode = await startVsCode({
    extensions: [await packageExtension(stage.directory), ...extensions],
    settings,
    env: { ...ISOLATED_GIT, HANDOFF_DATA: stage.data, ...env },
  });
  let browser: Browser | undefined;
  const close = async (): Promise<void> => {
    await browser?.close();
    await vscode.close();
  };
  try {
    browser = await launchBrowser();
    const window = await openWorkbench({
      browser,
      url: vscode.url,
      folder: stage.clone,
      pictures: process.env['HANDOFF_SCREENSHOTS'] ?? join(stage.directory, 'pictures'),
    });
    return { window, close };
  } catch (error) {
    await close();
    throw error;
  }
}
