import assert from 'node:assert/strict';
import type { FrameLocator, Locator } from 'playwright-core';
import { strings } from '../../webview-ui/strings.ts';
import { call, child, did, found, task } from '../fakes/model/agents.ts';
import type { Scenario, Step } from '../fakes/model/script.ts';
import type { Workbench } from '../vscode/workbench.ts';
import { type Editor, openEditor } from './editor.ts';
import { type Stage, setStage } from './stage.ts';
import { tellInOrder } from './story.ts';

const PROMPT = 'Say distances in miles, too.';
const WORK = {
  explorer: 'Find where distances are said',
  below: 'See what the report rounds',
  deepest: 'Look for tests of rounding',
  executor: 'Convert kilometres to miles',
  unwanted: 'Read the history of the project',
};
const MILES = 'export const milesOf = (km) => km / 1.609344;\n';
const DONE = 'A module converts them; the report is next.';

/** Three subagents at once, of which one has another below it, and that one again; what ends waits for `gate`. */
function scenarioBehind(gate: Promise<void>): Scenario {
  const once =
    (step: Step): Step =>
    async (request) => {
      await gate;
      return typeof step === 'function' ? step(request) : step;
    };
  return [
    child(
      WORK.explorer,
      { toolCalls: [call('grep', { pattern: 'km' })] },
      { toolCalls: [task(WORK.below)] },
      found('Only the report says them', 'src/cli.js', 1, 3),
    ),
    child(
      WORK.below,
      { toolCalls: [call('read', { path: 'src/cli.js' })] },
      { toolCalls: [task(WORK.deepest)] },
      found('It rounds to one decimal', 'src/cli.js', 2),
    ),
    child(
      WORK.deepest,
      { toolCalls: [call('grep', { pattern: 'toFixed' })] },
      once(found('There are none', 'README.md')),
    ),
    child(
      WORK.executor,
      { toolCalls: [call('write', { path: 'src/miles.js', content: MILES })] },
      once(did('Miles are worked out in a module of their own.')),
    ),
    child(WORK.unwanted, { fault: 'hang' }),
    {
      steps: [
        {
          text: 'I have it looked at from three sides.',
          toolCalls: [task(WORK.explorer), task(WORK.executor, { role: 'executor' }), task(WORK.unwanted)],
        },
        { text: DONE },
      ],
    },
  ];
}

describe('the agents of a turn, in a real VS Code', function () {
  this.timeout(180_000);
  const gate = Promise.withResolvers<void>();
  let stage: Stage;
  let editor: Editor;
  let window: Workbench;
  let panel: FrameLocator;

  before(async () => {
    stage = await setStage(scenarioBehind(gate.promise), 2);
    editor = await openEditor(stage);
    window = editor.window;
    panel = window.webview();
  });
  tellInOrder({ window: () => window, log: () => stage.relay.log() });
  after(async () => {
    gate.resolve();
    await editor?.close();
    await stage?.close();
  });

  const composer = () => panel.getByLabel(strings.composer.label);
  const button = (name: string) => panel.getByRole('button', { name, exact: true });
  const transcript = () => panel.getByRole('region', { name: strings.transcript.label });
  /** The line of an agent's card, in that state. */
  const card = (role: string, work: string, state: keyof typeof strings.agents.state): Locator =>
    transcript()
      .locator('button.agent-line', { hasText: role })
      .filter({ hasText: work })
      .filter({ hasText: strings.agents.state[state] });

  it('have a card each, below the one that they work for, with what they do and a stop', async () => {
    await window.page
      .locator('.activitybar .action-item', { has: window.page.locator('a[aria-label^="Handoff"]') })
      .click();
    // The first panel of a fresh installation: its page comes from a cold disk.
    await composer().waitFor({ timeout: 60_000 });
    await composer().fill(PROMPT);
    await button(strings.composer.delegate).click();

    // Nothing has to be opened for the deepest of them to be seen.
    await card('explorer', WORK.deepest, 'running').waitFor();
    await card('executor', WORK.executor, 'running').waitFor();
    await transcript().locator('.agent-action', { hasText: 'toFixed' }).waitFor();
    await transcript().locator('.agent-action', { hasText: 'src/miles.js' }).waitFor();
    const below = transcript().getByRole('list', { name: strings.agents.childrenOf(WORK.below) });
    assert.equal(await below.getByRole('listitem').count(), 1);

    await button(strings.agents.stop(strings.agents.name('explorer', WORK.unwanted))).click();
    await card('explorer', WORK.unwanted, 'stopped').waitFor();
    await widen(window);
    await window.picture('agents');
  });

  it('say what they found and changed once they are done, and their work is in the review', async () => {
    gate.resolve();
    await transcript().getByText(DONE).waitFor();
    await card('explorer', WORK.explorer, 'completed').press('Enter');
    await transcript().getByText('Only the report says them found.').first().waitFor();
    const facts = transcript().getByRole('region', { name: strings.agents.facts, exact: true });
    assert.deepEqual(await facts.first().getByRole('listitem').count(), 1);
    await card('executor', WORK.executor, 'completed').waitFor();
    await window.picture('agents-done');

    const [only] = (await stage.client.listTasks()).tasks;
    const { files } = await stage.client.changes(String(only?.taskId));
    assert.deepEqual(
      files.map(({ path, status, additions }) => [path, status, additions]),
      [['src/miles.js', 'added', 1]],
    );
  });
});

/** Drags the border of the side bar, as who reads a tree of agents does. */
async function widen({ page }: Workbench): Promise<void> {
  const box = await page.locator('.part.sidebar').boundingBox();
  assert.ok(box);
  const [x, y] = [box.x + box.width, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 300, y, { steps: 5 });
  await page.mouse.up();
}
