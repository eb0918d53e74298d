import assert from 'node:assert/strict';
import type { FrameLocator } from 'playwright-core';
import { strings } from '../../webview-ui/strings.ts';
import type { Workbench } from '../vscode/workbench.ts';
import { type Editor, openEditor } from './editor.ts';
import { reviewPage } from './review-page.ts';
import { ANSWER, DONE, LINES, PATH, PROMPT, QUESTION, SAID, scenario, WHY } from './review-scenario.ts';
import { type Stage, setStage } from './stage.ts';
import { tellInOrder } from './story.ts';

describe('a review by hunk, in a real VS Code', function () {
  this.timeout(240_000);
  let stage: Stage;
  let editor: Editor;
  let window: Workbench;
  let panel: FrameLocator;
  let review: ReturnType<typeof reviewPage>;
  let taskId: string;

  before(async () => {
    stage = await setStage(scenario, 2);
    editor = await openEditor(stage);
    window = editor.window;
    panel = window.webview();
    review = reviewPage(window);
  });
  tellInOrder({ window: () => window, log: () => stage.relay.log() });
  after(async () => {
    await editor?.close();
    await stage?.close();
  });

  const conversation = () => panel.getByRole('region', { name: strings.transcript.label });
  const changes = async () => (await stage.client.changes(taskId)).files;
  /** Why the agent made each change of the file that is decided so. */
  async function decided(state: 'accepted' | 'rejected'): Promise<(string | undefined)[]> {
    const { review: recorded } = await stage.client.getTask(taskId);
    const hashes = recorded?.files.find(({ path }) => path === PATH)?.[state] ?? [];
    return hashes.map((hash) => reasons.get(hash)).sort();
  }
  const reasons = new Map<string, string | undefined>();

  it('opens what the agent did in one multi-diff editor, each change with why it was made', async () => {
    await window.page
      .locator('.activitybar .action-item', { has: window.page.locator('a[aria-label^="Handoff"]') })
      .click();
    const composer = panel.getByLabel(strings.composer.label);
    // The first panel of a fresh installation: its page comes from a cold disk.
    await composer.waitFor({ timeout: 60_000 });
    await composer.fill(PROMPT);
    await panel.getByRole('button', { name: strings.composer.delegate }).click();
    await conversation().getByText(SAID).waitFor();
    await panel.getByRole('button', { name: strings.proposal.review, exact: true }).click();
    await review.tab(2).waitFor();
    await review.progress(0, 4).waitFor();
    await window.scrollTo(review.thread(PATH, WHY.doc));
    const [task] = (await stage.client.listTasks()).tasks;
    taskId = String(task?.taskId);
    for (const { hunks } of await changes()) for (const { hash, reason } of hunks) reasons.set(hash, reason);
    await window.picture('review-changes');
  });

  it('keeps one change and undoes another by a click', async () => {
    await review.keep(PATH, WHY.split);
    await review.progress(1, 4).waitFor();
    await window.scrollTo(review.proposed(PATH, 'with semicolons'));
    // The first arrow in the file is that of its first change.
    await review.revert(PATH, 0);
    await review.progress(2, 4).waitFor();
    await review.proposed(PATH, 'with semicolons').waitFor({ state: 'hidden' });
    assert.deepEqual([await decided('accepted'), await decided('rejected')], [[WHY.split], [WHY.doc]]);
  });

  it('takes decisions back one after the other from the keyboard, and makes them again', async () => {
    await review.proposed(PATH, 'const').first().click();
    await window.page.keyboard.press('Control+Alt+z');
    await review.progress(1, 4).waitFor();
    await review.proposed(PATH, 'with semicolons').waitFor();
    await window.page.keyboard.press('Control+Alt+y');
    await review.progress(2, 4).waitFor();
    await review.proposed(PATH, 'with semicolons').waitFor({ state: 'hidden' });
  });

  it('keeps a comment on a third change as a draft until the review is submitted', async () => {
    await review.reply(PATH, WHY.error, QUESTION, 'Add to Review');
    await review.thread(PATH, WHY.error).getByText('not submitted').waitFor();
    assert.equal(stage.model.requests.length, 2, 'the agent was told nothing');
    await window.picture('review-draft');
    await window.command('Submit Review');
    // By its own words: the palette, which closes, has an input, too, and behind it the key would go into the proposal.
    await window.page.getByPlaceholder('Optional').press('Enter');
    await conversation().getByText(DONE).waitFor();
  });

  it("shows the agent's answer in the same thread, and its new revision with the decisions kept", async () => {
    await window.scrollTo(review.proposed(PATH, 'in line'));
    await window.scrollTo(review.thread(PATH, ANSWER));
    const now = await changes();
    const texts = now.find(({ path }) => path === PATH)?.hunks.map(({ hash }) => reasons.get(hash));
    assert.ok(texts?.includes(WHY.split), 'the change that was kept is still the same');
    assert.deepEqual([await decided('accepted'), await decided('rejected')], [[WHY.split], [WHY.doc]]);
    const { review: recorded, proposal } = await stage.client.getTask(taskId);
    assert.equal(recorded?.revision, proposal?.revision);
    const patch = Buffer.from(await stage.client.patch(taskId, recorded?.acceptedTree)).toString('utf8');
    assert.deepEqual(
      patch.split('\n').filter((line) => /^[+-](?![+-])/.test(line)),
      [`-${LINES.oldSplit}`, `+${LINES.split}`],
    );
    await window.picture('review-answer');
    await window.useTheme('light');
    await window.page.locator('.monaco-workbench.vs').waitFor();
    await window.picture('review-light');
    await window.useTheme('dark');
  });
});
