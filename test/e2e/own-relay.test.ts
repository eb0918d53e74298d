import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { createRelayClient, type RelayClient } from '../../server/protocol/client.ts';
import { DATA_FILES } from '../../server/protocol/locations.ts';
import { strings } from '../../webview-ui/strings.ts';
import { type FakeModel, startFakeModel } from '../fakes/model/server.ts';
import { createSampleRepo } from '../fakes/sample.ts';
import { startVsCode, type VsCodeHost } from '../vscode/host.ts';
import { EXTENSION, packageExtension } from '../vscode/package.ts';
import { openWorkbench } from '../vscode/workbench.ts';
import { launchBrowser } from '../webview/browser.ts';

const CLI = fileURLToPath(new URL('../../server/cli/main.ts', import.meta.url));

/** Nobody has started a relay: the extension does, once for all windows, and it outlives them. */
describe('an editor without a relay', function () {
  this.timeout(180_000);
  let directory: string;
  let data: string;
  let model: FakeModel;
  let browser: Browser;
  let vscode: VsCodeHost | undefined;
  let client: RelayClient | undefined;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'handoff-own-relay-'));
    await chmod(directory, 0o711);
    data = join(directory, 'data');
    await createSampleRepo(join(directory, 'trip-log'));
    model = await startFakeModel({ scenario: [{ steps: [{ text: 'Done in the background.' }] }] });
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await vscode?.close();
    for (const { taskId } of (await client?.listTasks())?.tasks ?? []) await client?.archive(taskId);
    const stop = spawn(process.execPath, [CLI, 'relay', '--stop'], {
      env: { ...process.env, HANDOFF_DATA: data },
      stdio: 'ignore',
    });
    await once(stop, 'exit');
    await model?.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  });

  it('starts one, which two windows share, and which goes on when both are closed', async () => {
    vscode = await startVsCode({
      extensions: [await packageExtension(directory)],
      env: {
        HANDOFF_DATA: data,
        HANDOFF_HOME: EXTENSION,
        HANDOFF_PORT: '0',
        HANDOFF_MODEL_BASE_URL: model.url,
        HANDOFF_MODEL_API_KEY: model.apiKey,
        HANDOFF_MODEL: 'fake-model',
      },
    });
    const open = { browser, url: vscode.url, folder: join(directory, 'trip-log') };
    const windows = await Promise.all([openWorkbench(open), openWorkbench(open)]);
    for (const { page } of windows) await page.locator('.activitybar a[aria-label="Handoff"]').click();

    const [first, second] = windows;
    assert.ok(first && second);
    const composer = first.webview().getByLabel(strings.composer.label);
    await composer.waitFor({ timeout: 60_000 });
    await composer.fill('Say that you are done');
    await first.webview().getByRole('button', { name: strings.composer.delegate }).click();
    await first.webview().getByRole('log').getByText('Done in the background.').waitFor({ timeout: 60_000 });
    // The other window lists the same task: it talks to the same relay.
    await second.page.locator('.pane-body .monaco-list-row', { hasText: 'Say that you are done' }).waitFor();

    const announced = JSON.parse(await readFile(join(data, DATA_FILES.relay), 'utf8'));
    for (const window of windows) await window.close();
    await vscode.close();
    const token = (await readFile(join(data, DATA_FILES.token), 'utf8')).trim();
    client = createRelayClient({ url: announced.url, token });
    const { tasks } = await client.listTasks();
    assert.deepEqual(
      tasks.map(({ title, status }) => ({ title, status })),
      [{ title: 'Say that you are done', status: 'completed' }],
    );
    assert.equal(JSON.parse(await readFile(join(data, DATA_FILES.relay), 'utf8')).pid, announced.pid);
  });
});
