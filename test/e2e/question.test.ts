import assert from 'node:assert/strict';
import type { FrameLocator, Locator } from 'playwright-core';
import { strings } from '../../webview-ui/strings.ts';
import { EXTENSION } from '../vscode/package.ts';
import type { Workbench } from '../vscode/workbench.ts';
import { type Editor, openEditor } from './editor.ts';
import { type KillableStage, killable } from './killable-stage.ts';
import {
  ENDLESS,
  EXACT,
  KEPT,
  lastResult,
  MEASURED,
  PROMPTS,
  QUESTION,
  scenario,
  TESTS,
} from './question-scenario.ts';
import { setStage } from './stage.ts';
import { tellInOrder } from './story.ts';

const QUEUED = {
  changed: 'Indent it by four spaces',
  into: 'Indent it by two spaces',
  withdrawn: 'Say it in the README',
};

/** One task over three turns, each of which the person steps into. */
describe('a turn that the person steps into, in a real VS Code', function () {
  this.timeout(180_000);
  let stage: KillableStage;
  let editor: Editor;
  let window: Workbench;
  let panel: FrameLocator;

  before(async () => {
    stage = killable(await setStage(scenario, 2));
    editor = await openEditor(stage, {
      // An editor whose relay stays away starts one itself; from here, where there is nothing to be installed for it.
      env: { HANDOFF_HOME: EXTENSION },
    });
    window = editor.window;
    panel = window.webview();
  });
  tellInOrder({ window: () => window, log: () => stage.log() });
  after(async () => {
    await editor?.close();
    await stage?.close();
  });

  const composer = () => panel.getByLabel(strings.composer.label);
  const button = (name: string) => panel.getByRole('button', { name, exact: true });
  const transcript = () => panel.getByRole('region', { name: strings.transcript.label });
  const card = () => panel.getByRole('region', { name: strings.question.asks });
  const status = (name: string) => panel.getByRole('img', { name, exact: true });
  const activity = () =>
    window.page.locator('.activitybar .action-item', {
      has: window.page.locator('a[aria-label^="Handoff"]'),
    });
  const badge = () => activity().locator('.badge-content');
  const taskRow = (words: string) =>
    window.page
      .locator('.pane-body .monaco-list-row', { hasText: PROMPTS.ask })
      .and(window.page.locator(`[aria-label*="${words}"]`));

  it('shows a question as a card, and in the task list and on the badge that the person is needed', async () => {
    await activity().click();
    // The first panel of a fresh installation: its page comes from a cold disk.
    await composer().waitFor({ timeout: 60_000 });
    await composer().fill(PROMPTS.ask);
    await button(strings.composer.delegate).click();

    await card().waitFor();
    assert.deepEqual(
      await linesOf(card().getByRole('list')),
      QUESTION.options.flatMap(({ label, description }) => [label, description]),
    );
    await status(strings.status.asking).waitFor();
    await taskRow('needs you').waitFor();
    await badge().filter({ hasText: /^1$/ }).waitFor();
    await window.picture('question');
  });

  it('keeps the question when the relay is killed, and goes on with the answer that is clicked', async () => {
    await stage.kill();
    await panel.getByText(strings.setup.reconnecting).waitFor();
    await stage.start();
    await panel.getByText(strings.setup.reconnecting).waitFor({ state: 'hidden' });
    assert.deepEqual([await card().count(), stage.model.requests.length], [1, 2], 'asked once');

    await card().getByRole('button', { name: EXACT.label }).click();
    await transcript().getByText(KEPT).waitFor();
    await status(strings.status.completed).waitFor();
    await taskRow('completed').waitFor();
    await badge().waitFor({ state: 'hidden' });

    const answered = transcript().locator('.answered');
    assert.deepEqual(await linesOf(answered), [
      QUESTION.question.replaceAll('`', ''),
      `${strings.question.answered}: ${EXACT.label}`,
    ]);
    assert.deepEqual(
      [await card().count(), await answered.getByRole('button').count()],
      [0, 0],
      'it is quiet',
    );
    // One call wrote, one asked, one read the answer: none was made again after the kill.
    assert.deepEqual(stage.model.requests.slice(2).map(lastResult), [`The person chose: ${EXACT.label}`]);
  });

  it('lets messages be edited and withdrawn while they wait: the agent reads what is left of them', async () => {
    await composer().fill(PROMPTS.wait);
    await button(strings.composer.send).click();
    // From here on the next model call is behind the gate.
    await transcript().getByText(TESTS).waitFor();
    const waiting = panel.getByRole('list', { name: strings.queue.label }).getByRole('listitem');
    const queued = (text: string) =>
      waiting.filter({ hasText: text }).filter({ hasText: strings.queue.queued });
    for (const text of [QUEUED.changed, QUEUED.withdrawn]) {
      await composer().fill(text);
      await button(strings.composer.queue).click();
      await queued(text).waitFor();
    }

    await button(strings.queue.edit(QUEUED.changed)).click();
    await panel.getByLabel(strings.queue.field).fill(QUEUED.into);
    await window.picture('queue');
    await button(strings.queue.save).click();
    await queued(QUEUED.into).waitFor();
    await button(strings.queue.withdraw(QUEUED.withdrawn)).click();
    await waiting.filter({ hasText: QUEUED.withdrawn }).waitFor({ state: 'hidden' });
    assert.deepEqual(await linesOf(waiting), [strings.queue.queued, QUEUED.into]);

    const { tasks } = await stage.client.listTasks();
    await stage.openGate(String(tasks[0]?.taskId));
    await transcript().getByText('I have read what came meanwhile').waitFor();
    await waiting.waitFor({ state: 'hidden' });
    const said = stage.model.requests.at(-1)?.messages.filter(({ role }) => role === 'user');
    assert.deepEqual(
      said?.map(({ content }) => content),
      [PROMPTS.ask, PROMPTS.wait, QUEUED.into],
    );
  });

  it('says of a turn that was stopped what was cut off, and what had been done', async () => {
    await status(strings.status.completed).waitFor();
    await composer().fill(PROMPTS.stop);
    await button(strings.composer.send).click();
    await transcript().getByText(MEASURED).waitFor();
    await button(strings.composer.stop).click();

    await status(strings.status.stopped).waitFor();
    const ending = transcript().locator('.turn-end').last().locator('.alert');
    await ending.getByText(strings.turn.kept(2)).waitFor();
    assert.deepEqual(await linesOf(ending), [
      `${strings.turn.stepsDone(1)} ${strings.turn.kept(2)}`,
      strings.turn.cutOff,
      `bash ${ENDLESS}`,
    ]);
  });
});

/** What of it is to be read, line by line. */
async function linesOf(locator: Locator): Promise<string[]> {
  const text = await locator.innerText();
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
