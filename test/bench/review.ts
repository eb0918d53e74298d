import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ISOLATED_GIT } from '../fakes/git.ts';
import { startVsCode, type VsCodeHost } from '../vscode/host.ts';
import { packageExtension } from '../vscode/package.ts';
import { openWorkbench, type Workbench } from '../vscode/workbench.ts';
import { launchBrowser } from '../webview/browser.ts';
import type { Bench, Place } from './bench.ts';
import type { Figure } from './figure.ts';
import { follow } from './follow.ts';
import { memoryWith } from './processes.ts';
import { openRelay } from './relay.ts';
import { createRepository, filePath } from './repository.ts';
import { times } from './stats.ts';

const FILES = 300;
/** Every eighth of a file's 140 lines from the fourth on is changed: 18 hunks a file, 5,400 in all. */
const CHANGE = { sed: '4~8s/compute/computed/', from: 3, every: 8 };
const HUNKS = 18;
const OPENINGS = 5;
const DECISIONS = 20;
const TITLE = 'Rename compute';
const PLAIN = fileURLToPath(new URL('../fakes/plain-diff-extension', import.meta.url));

const scenario = [
  { when: ({ tools }: { tools: unknown[] }) => tools.length === 0, steps: [], otherwise: { text: TITLE } },
  {
    steps: [
      { toolCalls: [{ name: 'bash', arguments: { command: `sed -i '${CHANGE.sed}' src/part-*/*.ts` } }] },
      { text: 'Done.' },
    ],
  },
];

/** How a large review feels, in a real VS Code. */
export const review: Bench = {
  about:
    'a review of 300 files and 5,400 hunks in a real VS Code, against the same multi-diff of plain documents',
  async run(place: Place) {
    await using scope = new AsyncDisposableStack();
    const directory = join(place.directory, 'review');
    const { relay } = await openRelay(scope, directory, scenario);
    const repository = await createRepository(join(directory, 'repository'), FILES);
    const { taskId } = await relay.delegate(repository, TITLE);
    await follow(relay.client, taskId, ({ type }) => type === 'turn.ended');
    const { files } = await relay.client.changes(taskId);
    const hunks = files.reduce((sum, file) => sum + file.hunks.length, 0);
    if (hunks !== FILES * HUNKS) throw new Error(`${hunks} hunks in ${files.length} files`);
    place.say('the agent is done');

    const plainFiles = join(directory, 'plain.json');
    await writeFile(plainFiles, JSON.stringify(await plainTexts(repository.directory)));
    const open = async (extension: string): Promise<[VsCodeHost, Workbench]> => {
      const host = await startVsCode({
        extensions: [extension],
        env: { ...ISOLATED_GIT, HANDOFF_DATA: relay.data, PLAIN_DIFF_FILES: plainFiles },
      });
      scope.defer(() => host.close());
      const browser = await launchBrowser();
      scope.defer(() => browser.close());
      return [host, await openWorkbench({ browser, url: host.url, folder: repository.directory })];
    };
    const [plainHost, plainWindow] = await open(PLAIN);
    await plainWindow.page.waitForTimeout(5000);
    const plain = await openings(
      plainWindow,
      () => plainWindow.page.keyboard.press('Control+Alt+Shift+O'),
      false,
    );
    const plainMemory = await memoryOfHost(plainHost);
    await plainWindow.close();

    const [host, window] = await open(await packageExtension(directory));
    const { page } = window;
    await page
      .locator('.activitybar .action-item', { has: page.locator('a[aria-label^="Handoff"]') })
      .click();
    const row = page.locator('.pane-body .monaco-list-row', { hasText: TITLE }).first();
    await row.waitFor({ timeout: 60_000 });
    const ours = await openings(
      window,
      async () => {
        await row.hover();
        await row.locator('a[aria-label="Review Changes"]').click();
      },
      true,
    );
    await row.hover();
    await row.locator('a[aria-label="Review Changes"]').click();
    const memory = await memoryOfHost(host);
    const decisions = await decideSome(window);
    return [
      {
        ...figure('from the click to the multi-diff shown', ours.shown, plain.shown),
        goal: { of: 'max', atMost: 2000 },
      },
      { ...figure('  to the tree filled and the first toolbar shown', ours.ready) },
      {
        ...figure('a decision, from the key to the count that shows it', decisions),
        goal: { of: 'median', atMost: 250 },
      },
      {
        name: 'memory of the VS Code server and its extension host',
        unit: 'MB',
        values: [memory],
        baseline: [plainMemory],
      },
    ];
  },
};

const figure = (name: string, values: number[], baseline?: number[]): Figure => ({
  name,
  unit: 'ms',
  values,
  ...(baseline ? { baseline } : {}),
});

/** What a person waits for, ms: something to read; and in a review all that goes with it. */
interface Openings {
  shown: number[];
  ready: number[];
}

/** Opens and closes again; the first time, in a window that has just begun, is one of the values. */
async function openings(
  window: Workbench,
  open: () => Promise<unknown>,
  isReview: boolean,
): Promise<Openings> {
  const { page } = window;
  const found = await times(OPENINGS, async () => {
    const askedAt = performance.now();
    await open();
    await page
      .locator('.multiDiffEntry .editor.modified .view-line', { hasText: 'computed' })
      .first()
      .waitFor();
    const shown = performance.now() - askedAt;
    if (isReview) {
      await page.locator('.pane-body .monaco-list-row', { hasText: 'module-05.ts' }).waitFor();
      await page
        .locator('.multiDiffEntry .review-widget', { hasText: `Change 1 of ${HUNKS}` })
        .first()
        .waitFor();
    }
    const ready = performance.now() - askedAt;
    await window.command('View: Close All Editors');
    await page.locator('.multiDiffEntry').first().waitFor({ state: 'detached' });
    return { shown, ready };
  });
  return { shown: found.map(({ shown }) => shown), ready: found.map(({ ready }) => ready) };
}

/** Keeps one change after the other by its key; the next one comes up by itself. */
async function decideSome({ page }: Workbench): Promise<number[]> {
  await page.locator('.multiDiffEntry .editor.modified .view-line', { hasText: 'computed' }).first().click();
  return times(DECISIONS, async (n) => {
    const askedAt = performance.now();
    await page.keyboard.press('Alt+Enter');
    await page.locator('.pane-header', { hasText: `${n + 1} of ${FILES * HUNKS} decided` }).waitFor();
    return performance.now() - askedAt;
  });
}

/** Both sides of every file, as the agent leaves them. */
async function plainTexts(directory: string): Promise<[path: string, base: string, proposal: string][]> {
  return Promise.all(
    Array.from({ length: FILES }, async (_, n) => {
      const path = filePath(n);
      const base = await readFile(join(directory, path), 'utf8');
      const lines = base.split('\n');
      const isChanged = (line: number): boolean => line % CHANGE.every === CHANGE.from;
      const proposal = lines.map((line, index) =>
        isChanged(index) ? line.replace('compute', 'computed') : line,
      );
      return [`/${path}`, base, proposal.join('\n')] as [string, string, string];
    }),
  );
}

/** MB that the server, its extension hosts and whatever they started hold by themselves. */
const memoryOfHost = async ({ extensionsDir }: VsCodeHost): Promise<number> =>
  (await memoryWith(dirname(extensionsDir))).pss;
