import assert from 'node:assert/strict';
import { connected, finished, snapshot, summaries, TASK_ID, working } from './story.ts';
import { seen, usePanels } from './suite.ts';

describe('the composer', () => {
  const panels = usePanels();

  it('delegates with Enter, with what was attached, and Shift+Enter makes a line', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(null), {
      type: 'attach',
      selection: { path: 'src/cart.ts', startLine: 3, endLine: 9 },
    });
    assert.equal(await panel.page.evaluate(() => document.activeElement?.tagName), 'TEXTAREA');
    assert.equal(await seen(panel.page.locator('.chip')), 'cart.ts:3-9');
    await panel.page.keyboard.type('Fix this');
    await panel.page.keyboard.press('Shift+Enter');
    await panel.page.keyboard.type('and test it');
    await panel.page.keyboard.press('Enter');
    const { clientId, ...message } = await panel.message('delegate');
    assert.match(clientId, /^[\w.:-]{8,64}$/);
    assert.deepEqual(message, {
      type: 'delegate',
      text: 'Fix this\nand test it',
      selection: [{ path: 'src/cart.ts', startLine: 3, endLine: 9 }],
    });
    assert.equal(await panel.page.getByRole('textbox').inputValue(), '');
    assert.match(await seen(panel.page.locator('.queue')), /^Sending\s+Fix this/);
    await panel.post({ type: 'settled', clientId, failure: null });
    await panel.page.locator('.queue').waitFor({ state: 'detached' });
  });

  it('offers commands for a message that begins with a slash, and asks for a plan where that is pressed', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(finished));
    const field = panel.page.getByRole('textbox');
    await field.fill('/');
    assert.deepEqual(await panel.message('commands'), { type: 'commands', taskId: TASK_ID });
    const commands = ['init', 'plan', 'ship'].map((name) => ({
      name,
      description: `Does ${name}`,
      source: 'handoff' as const,
    }));
    await panel.post({ type: 'commands', taskId: TASK_ID, commands });
    const list = panel.page.getByRole('listbox', { name: 'Commands' });
    await list.waitFor();
    assert.deepEqual(await list.getByRole('option').allInnerTexts(), [
      '/init Does init',
      '/plan Does plan',
      '/ship Does ship',
    ]);
    await panel.page.keyboard.press('ArrowUp');
    const active = await field.getAttribute('aria-activedescendant');
    assert.equal(await panel.page.locator(`#${active}`).innerText(), '/ship Does ship');
    await panel.page.keyboard.press('Enter');
    assert.equal(await field.inputValue(), '/ship ');
    assert.equal(await list.count(), 0);
    await field.fill('/i');
    await panel.page.keyboard.press('Escape');
    assert.equal(await list.count(), 0);
    await field.fill('/ship it');
    await panel.page.getByRole('button', { name: 'Ask for a plan first' }).click();
    await field.press('Enter');
    const { clientId: _id, ...message } = await panel.message('send');
    assert.deepEqual(message, {
      type: 'send',
      taskId: TASK_ID,
      text: '/ship it',
      selection: [],
      mode: 'plan',
    });
    const toggle = panel.page.getByRole('button', { name: 'Ask for a plan first' });
    assert.equal(await toggle.getAttribute('aria-pressed'), 'false', 'it is for one message');
  });

  it('says what of the uncommitted work travels with a new task, and offers to choose', async () => {
    const panel = await panels.open();
    const setup = { ...connected, repository: 'shop', work: { files: 3, bytes: 12_400, left: 1 } };
    await panel.post(snapshot(null, { setup }));
    await panel.page.getByRole('button', { name: '+ 3 uncommitted files (12 KB), 1 left out' }).click();
    assert.deepEqual(await panel.message('previewUncommitted'), { type: 'previewUncommitted' });
    await panel.post({ type: 'setup', setup: { ...setup, work: { files: 0, bytes: 0, left: 0 } } });
    await panel.page.getByRole('button', { name: /uncommitted/ }).waitFor({ state: 'detached' });
    await panel.post(snapshot(finished, { setup }));
    assert.equal(await panel.page.getByRole('button', { name: /uncommitted/ }).count(), 0);
  });

  it('gives a message back that was refused, and says why', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(finished));
    await panel.page.getByRole('textbox').fill('One more thing');
    await panel.page.getByRole('button', { name: 'Send' }).click();
    const { clientId } = await panel.message('send');
    await panel.post({
      type: 'settled',
      clientId,
      failure: { code: 'not_ready', message: 'The relay is starting.', nextAction: 'Wait a moment.' },
    });
    await panel.page.getByRole('alert').getByText('Not sent. The relay is starting.').waitFor();
    assert.equal(await panel.page.getByRole('textbox').inputValue(), 'One more thing');
    await panel.page.getByRole('button', { name: 'Dismiss' }).click();
    assert.equal(await panel.page.getByRole('alert').count(), 0);
  });

  it('queues a message while the agent runs, shows what is queued, and stops the agent', async () => {
    const panel = await panels.open();
    await panel.post(
      snapshot([...working, { type: 'message.queued', messageId: 'm2', text: 'Also the discount codes' }]),
    );
    assert.match(
      await seen(panel.page.getByRole('list', { name: 'Waiting messages' })),
      /Queued\s+Also the discount/,
    );
    await panel.page.getByRole('textbox').fill('And the taxes');
    await panel.page.getByRole('button', { name: 'Send when the agent is ready' }).click();
    assert.equal((await panel.message('send')).text, 'And the taxes');
    await panel.page.getByRole('button', { name: 'Stop the agent' }).click();
    assert.deepEqual(await panel.message('stop'), { type: 'stop', taskId: TASK_ID });
  });

  it('sends nothing while something is in the way, says what, and offers to mend it', async () => {
    const panel = await panels.open();
    const cases = [
      [{ workspace: 'no-folder' }, 'Open folder', 'fixWorkspace'],
      [{ workspace: 'no-git' }, 'Initialize repository', 'fixWorkspace'],
      [{ workspace: 'untrusted' }, 'Manage trust', 'fixWorkspace'],
      [{ modelConfigured: false }, 'Set up a model', 'setUpModel'],
      [{ relay: 'unavailable', message: 'The relay ended.' }, 'Retry', 'retryConnection'],
      [{ relay: 'unavailable' }, 'Show log', 'showLog'],
    ] as const;
    await panel.post(snapshot(null));
    await panel.page.getByRole('textbox').fill('Do something');
    for (const [lack, button, type] of cases) {
      await panel.post({ type: 'setup', setup: { ...connected, ...lack } });
      await panel.page.getByRole('button', { name: button }).click();
      await panel.message(type);
      assert.equal(await panel.page.getByRole('button', { name: 'Delegate' }).isDisabled(), true);
      await panel.page.getByRole('textbox').press('Enter');
    }
    assert.deepEqual(
      (await panel.posted()).filter(({ type }) => type === 'delegate'),
      [],
    );
    await panel.post({ type: 'setup', setup: connected });
    await panel.page.getByRole('textbox').press('Enter');
    assert.equal((await panel.message('delegate')).text, 'Do something');
  });

  it('grows with what is typed, up to a part of the panel', async () => {
    const { page, post } = await panels.open();
    await post(snapshot(null));
    const height = () => page.getByRole('textbox').evaluate((field) => field.clientHeight);
    const one = await height();
    await page.getByRole('textbox').fill('1\n2\n3\n4');
    const four = await height();
    await page.getByRole('textbox').fill('line\n'.repeat(100));
    const most = await height();
    assert.deepEqual([four > one * 2, most > four, most <= 800 * 0.35], [true, true, true]);
  });

  it('keeps drafts, opened tools and an unsettled message over a reload, and sends that again', async () => {
    const first = await panels.open();
    await first.post(snapshot(finished));
    await first.page.getByRole('button', { name: 'Ran npm test' }).click();
    await first.page.getByRole('textbox').fill('Sent');
    await first.page.keyboard.press('Enter');
    const sent = await first.message('send');
    await first.page.getByRole('textbox').fill('Half a thou');

    const second = await panels.open({ saved: await first.kept() });
    assert.deepEqual(await second.posted(), [{ type: 'ready', taskId: TASK_ID }, sent]);
    await second.post(snapshot(finished));
    assert.equal(await second.page.getByRole('textbox').inputValue(), 'Half a thou');
    const row = second.page.getByRole('button', { name: 'Ran npm test' });
    assert.equal(await row.getAttribute('aria-expanded'), 'true');
  });
});

describe('the list of tasks', () => {
  const panels = usePanels();

  it('shows how each task stands, and opens it', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(null, { view: 'list', tasks: summaries }));
    const row = panel.page.getByRole('listitem').nth(1);
    assert.match(
      await seen(row),
      /Move the checkout to the new payment API\s+acme\/webshop · 17 files changed · pull request\s+1 h/,
    );
    assert.equal(await row.getByRole('img', { name: 'Done' }).count(), 1);
    await row.getByRole('button', { name: /^Done/ }).click();
    assert.deepEqual(await panel.message('openTask'), { type: 'openTask', taskId: 'task-2' });
    await row.hover();
    await row.getByRole('button', { name: /^Archive/ }).click();
    assert.deepEqual(await panel.message('archive'), { type: 'archive', taskId: 'task-2' });
  });

  it('is gone through with the arrow keys', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(null, { view: 'list', tasks: summaries }));
    await panel.page.locator('.task-open').first().focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'End', 'Enter'])
      await panel.page.keyboard.press(key);
    assert.deepEqual(await panel.message('openTask'), { type: 'openTask', taskId: 'task-4' });
  });

  it('says what to do where there is none', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(null, { view: 'list' }));
    assert.match(await seen(panel.page.locator('.empty')), /No tasks yet\s+Right-click a file/);
    await panel.page.locator('.empty').getByRole('button', { name: 'New task' }).click();
    await panel.message('newTask');
  });
});
