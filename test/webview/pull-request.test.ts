import assert from 'node:assert/strict';
import { heard, opened } from './publish-story.ts';
import { finished, log, snapshot, TASK_ID } from './story.ts';
import { seenLines, usePanels } from './suite.ts';

describe('the pull request in the panel', () => {
  const panels = usePanels();
  const section = '.pull-request';

  it('shows its checks and comments, and hands them to the agent with one click', async () => {
    const { page, post, message } = await panels.open({ height: 1200 });
    await post(snapshot([...opened, heard()]));
    assert.deepEqual(await seenLines(page.locator(section)), [
      ...['Pull request #12', 'draft', '1 check failed, 1 running, 1 passed', 'unit tests', '1 comment'],
      ...['Fix failed checks', 'Address comments'],
    ]);
    for (const [name, action] of [
      ['Fix failed checks', 'fixChecks'],
      ['Address comments', 'fixComments'],
      ['Look at the pull request again', 'refreshPullRequest'],
      ['More actions', 'more'],
    ] as const) {
      await page.getByRole('button', { name }).click();
      assert.deepEqual(await message('taskAction'), { type: 'taskAction', taskId: TASK_ID, action });
    }
    await page.locator(section).getByRole('button', { name: 'unit tests' }).click();
    assert.equal((await message('openExternal')).url, 'https://github.com/acme/webshop/runs/1');
  });

  it('offers to apply what was accepted', async () => {
    const { page, post, message } = await panels.open({ height: 1200 });
    await post(snapshot(opened.slice(0, finished.length + 1)));
    await page.getByRole('button', { name: 'Apply to my files' }).click();
    assert.deepEqual(await message('taskAction'), { type: 'taskAction', taskId: TASK_ID, action: 'apply' });
  });

  it('offers nothing to be mended once it is merged, and says so to a screen reader', async () => {
    const { page, post } = await panels.open({ height: 1200 });
    const events = log([...opened, heard(), heard({ state: 'merged', isDraft: false })]);
    await post(snapshot([...opened, heard()]));
    await post({ type: 'events', taskId: TASK_ID, events: events.slice(-1) });
    await page.locator(section).getByText('merged', { exact: true }).waitFor();
    assert.deepEqual(await seenLines(page.locator(section)), [
      ...['Pull request #12', 'merged', '1 check failed, 1 running, 1 passed', 'unit tests', '1 comment'],
    ]);
    await page.getByRole('log').getByText('Pull request 12 was merged.').waitFor();
  });

  it('says how much is done with nobody asked, and lets that be ended', async () => {
    const { page, post, message } = await panels.open({ height: 1200 });
    const until = Date.UTC(2030, 0, 5);
    await post(
      snapshot([
        ...opened,
        heard(),
        { type: 'follow.changed', autoFix: 2 },
        { type: 'unattended.armed', until },
      ]),
    );
    await page.getByText('Mends failed checks by itself: 0 of 2 used').waitFor();
    await page.getByText('Opens a draft pull request by itself until').waitFor();
    await page.getByRole('button', { name: 'Turn off' }).click();
    assert.deepEqual(await message('taskAction'), {
      type: 'taskAction',
      taskId: TASK_ID,
      action: 'unattended',
    });
  });
});
