import assert from 'node:assert/strict';
import type { NewEvent } from '../../server/protocol/events.ts';
import { queued } from './durable-story.ts';
import { log, snapshot, TASK_ID } from './story.ts';
import { seen, seenLines, usePanels } from './suite.ts';

describe('messages that wait', () => {
  const panels = usePanels();
  const DELIVERED = {
    code: 'already_delivered' as const,
    message: 'The agent has read this message already.',
  };

  async function openQueue() {
    const panel = await panels.open();
    await panel.post(snapshot(queued));
    const { page } = panel;
    const list = page.getByRole('list', { name: 'Waiting messages' });
    await list.waitFor();
    return {
      ...{ panel, page, list },
      composer: page.getByLabel('Message to the agent'),
      field: page.getByLabel('Queued message'),
      edit: page.getByRole('button', { name: 'Edit “Also the discount codes”' }),
      withdraw: page.getByRole('button', { name: 'Withdraw “Also the discount codes”' }),
      /** What comes after the messages were queued. */
      go: (later: NewEvent[]) =>
        panel.post({
          type: 'events',
          taskId: TASK_ID,
          events: log([...queued, ...later]).slice(queued.length),
        }),
    };
  }
  const SECOND = ['Queued', 'And say in the changelog what changed'];

  it('are changed in place, and show at once what they will say', async () => {
    const { panel, page, list, field, edit, go } = await openQueue();
    await edit.click();
    assert.equal(await page.evaluate(() => document.activeElement?.ariaLabel), 'Queued message');
    await field.fill('Also the vouchers');
    await field.press('Enter');
    const { clientId, ...message } = await panel.message('editMessage');
    assert.deepEqual(message, {
      type: 'editMessage',
      taskId: TASK_ID,
      messageId: 'm2',
      text: 'Also the vouchers',
    });
    assert.deepEqual(await seenLines(list), ['Saving', 'Also the vouchers', ...SECOND]);
    await panel.post({ type: 'settled', clientId, failure: null });
    assert.deepEqual(await seenLines(list), ['Queued', 'Also the vouchers', ...SECOND]);
    await go([{ type: 'message.edited', messageId: 'm2', text: 'Also the vouchers' }]);
    await page.getByRole('button', { name: 'Edit “Also the vouchers”' }).waitFor();
  });

  it('stay as they were with Escape, or where nothing was changed', async () => {
    const { panel, list, field, edit } = await openQueue();
    await edit.click();
    await field.fill('Something else');
    await field.press('Escape');
    await edit.click();
    await field.press('Enter');
    assert.deepEqual(await seenLines(list), ['Queued', 'Also the discount codes', ...SECOND]);
    assert.deepEqual(
      (await panel.posted()).filter(({ type }) => type === 'editMessage'),
      [],
    );
  });

  it('are open again with what was written, where the change was not taken', async () => {
    const { panel, list, field, edit } = await openQueue();
    await edit.click();
    await field.fill('Also the vouchers');
    await field.press('Enter');
    const { clientId } = await panel.message('editMessage');
    await panel.post({
      type: 'settled',
      clientId,
      failure: { code: 'not_ready', message: 'The relay is starting.', nextAction: 'Wait.' },
    });
    assert.equal(await seen(list.getByRole('alert')), 'Not changed. The relay is starting. Wait.');
    assert.equal(await field.inputValue(), 'Also the vouchers');
  });

  it('still have what was written where the panel was hidden before the relay took it', async () => {
    const { panel, field, edit } = await openQueue();
    await edit.click();
    await field.fill('Also the vouchers');
    await field.press('Enter');
    await panel.message('editMessage');
    const second = await panels.open({ saved: await panel.kept() });
    await second.post(snapshot(queued));
    assert.equal(await second.page.getByLabel('Queued message').inputValue(), 'Also the vouchers');
  });

  it('give a change that came too late to the composer, and say so', async () => {
    const { panel, page, list, composer, field, edit } = await openQueue();
    await composer.fill('Thanks');
    await edit.click();
    await field.fill('Also the vouchers');
    await field.press('Enter');
    const { clientId } = await panel.message('editMessage');
    await panel.post({ type: 'settled', clientId, failure: DELIVERED });
    assert.deepEqual(await seenLines(page.locator('.queue').getByRole('alert')), [
      'The agent has read this message already.',
      'What you wrote is in the composer: send it as a new message.',
    ]);
    assert.equal(await composer.inputValue(), 'Also the vouchers\n\nThanks');
    assert.deepEqual(await seenLines(list), SECOND);
    await page.locator('.queue').getByRole('button', { name: 'Dismiss' }).click();
    assert.equal(await page.getByRole('alert').count(), 0);
  });

  it('give what is being written to the composer when the agent reads them meanwhile', async () => {
    const { page, composer, field, edit, go } = await openQueue();
    await edit.click();
    await field.fill('Also the vou');
    await go([
      { type: 'message.delivered', turnId: 'turn-1', messageId: 'm2', text: 'Also the discount codes' },
    ]);
    await field.waitFor({ state: 'detached' });
    assert.equal(await composer.inputValue(), 'Also the vou');
    assert.match(await seen(page.locator('.queue').getByRole('alert')), /^The agent has read this message/);
  });

  it('are withdrawn, and their text is back in an empty composer', async () => {
    const { panel, page, list, composer, withdraw, go } = await openQueue();
    await withdraw.click();
    const { clientId, ...message } = await panel.message('withdrawMessage');
    assert.deepEqual(message, { type: 'withdrawMessage', taskId: TASK_ID, messageId: 'm2' });
    assert.deepEqual(await seenLines(list), ['Withdrawing', 'Also the discount codes', ...SECOND]);
    assert.equal(await composer.inputValue(), '');
    // The event may come before the answer.
    await go([{ type: 'message.withdrawn', messageId: 'm2' }]);
    await panel.post({ type: 'settled', clientId, failure: null });
    assert.deepEqual(await seenLines(list), SECOND);
    assert.equal(await composer.inputValue(), 'Also the discount codes');
    assert.equal(await page.evaluate(() => document.activeElement?.ariaLabel), 'Message to the agent');
    assert.equal(await page.getByRole('log').locator('p').last().textContent(), 'The message was withdrawn.');
  });

  it('leave what was typed meanwhile alone, and offer their text', async () => {
    const { panel, page, composer, withdraw } = await openQueue();
    await composer.fill('Wait');
    await withdraw.click();
    const { clientId } = await panel.message('withdrawMessage');
    await panel.post({ type: 'settled', clientId, failure: null });
    assert.equal(await composer.inputValue(), 'Wait');
    await page.getByRole('button', { name: 'Put it into the composer' }).click();
    assert.equal(await composer.inputValue(), 'Also the discount codes\n\nWait');
    assert.equal(await page.getByRole('alert').count(), 0);
  });

  it('cannot be withdrawn once they were read, which is said', async () => {
    const { panel, page, list, composer, withdraw } = await openQueue();
    await withdraw.click();
    const { clientId } = await panel.message('withdrawMessage');
    await panel.post({ type: 'settled', clientId, failure: DELIVERED });
    assert.deepEqual(await seenLines(page.locator('.queue').getByRole('alert')), [
      'The agent has read this message already.',
    ]);
    assert.deepEqual([await seenLines(list), await composer.inputValue()], [SECOND, '']);
  });
});
