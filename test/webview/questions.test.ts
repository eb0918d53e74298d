import assert from 'node:assert/strict';
import type { NewEvent } from '../../server/protocol/events.ts';
import { answered, asking, type QUESTION } from './durable-story.ts';
import { log, snapshot, TASK_ID } from './story.ts';
import { seen, seenLines, usePanels } from './suite.ts';

describe('a question of the agent', () => {
  const panels = usePanels();

  async function openAsking(change: Partial<typeof QUESTION> & { about?: 'plan' } = {}) {
    const panel = await panels.open();
    const events = asking.map(
      (event): NewEvent => (event.type === 'question.asked' ? { ...event, ...change } : event),
    );
    await panel.post(snapshot(events));
    const card = panel.page.locator('.question');
    await card.waitFor();
    /** What comes after the question. */
    const go = (later: NewEvent[]) =>
      panel.post({
        type: 'events',
        taskId: TASK_ID,
        events: log([...events, ...later]).slice(events.length),
      });
    return { panel, page: panel.page, card, go };
  }

  it('is shown with its answers, and says that the task needs the person', async () => {
    const { page, card } = await openAsking();
    assert.deepEqual(await seenLines(card), [
      'The agent asks:',
      'Prices come as strings in legacy.csv. How should those be read?',
      'Convert them',
      'Rounds half a cent up, as the shop does now.',
      'Refuse them',
      'The import fails and names the line.',
      'Leave them out',
      'Answer',
    ]);
    assert.equal(await page.getByRole('img', { name: 'Needs you' }).count(), 1);
    assert.equal(
      await page.getByLabel('Message to the agent').getAttribute('placeholder'),
      'Or send a message instead of an answer',
    );
    assert.equal(await page.getByRole('button', { name: 'Stop the agent' }).count(), 1);
    assert.deepEqual(
      [await page.locator('.working').count(), await page.getByRole('button', { name: /^Asked/ }).count()],
      [0, 0],
    );
  });

  it('is a plan where it is about one, before and after it was approved', async () => {
    const { page, card, go } = await openAsking({
      about: 'plan',
      question: '1. Convert them',
      options: [{ label: 'Approve', description: 'The agent carries it out.' }],
    });
    assert.deepEqual((await seenLines(card)).slice(0, 2), ['Plan', 'Convert them']);
    assert.equal(await card.getByRole('heading', { name: 'Plan', exact: true }).count(), 1);
    await go(answered);
    await page.locator('.answered').waitFor();
    assert.deepEqual((await seenLines(page.locator('.answered'))).slice(0, 2), ['Plan', 'Convert them']);
  });

  it('is answered by a choice: busy until the relay has it, then a quiet line', async () => {
    const { panel, page, card, go } = await openAsking();
    await card.getByRole('button', { name: 'Convert them' }).click();
    const { clientId, ...message } = await panel.message('answer');
    assert.deepEqual(message, {
      type: 'answer',
      taskId: TASK_ID,
      questionId: 'q1',
      answer: { kind: 'choice', label: 'Convert them' },
    });
    assert.equal(await card.getAttribute('aria-busy'), 'true');
    await card.getByRole('button', { name: 'Refuse them' }).click({ force: true });
    await panel.post({ type: 'settled', clientId, failure: null });
    assert.equal(await card.getAttribute('aria-busy'), 'true');
    assert.equal((await panel.posted()).filter(({ type }) => type === 'answer').length, 1);
    await go(answered);
    await page.locator('.answered').waitFor();
    assert.deepEqual(await seenLines(page.locator('.answered')), [
      'Prices come as strings in legacy.csv. How should those be read?',
      'You answered: Convert them',
    ]);
    assert.equal(await card.count(), 0);
    await page.locator('.working').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.ariaLabel), 'Message to the agent');
  });

  it('is answered in the person’s own words with Enter, where that is allowed', async () => {
    const { panel, card } = await openAsking({ options: [] });
    const field = card.getByRole('textbox', { name: 'Answer in your own words' });
    assert.equal(await card.getByRole('button', { name: 'Answer' }).isDisabled(), true);
    await field.fill('Ask the bookkeeper');
    await field.press('Shift+Enter');
    await field.pressSequentially('first');
    await field.press('Enter');
    assert.deepEqual((await panel.message('answer')).answer, {
      kind: 'text',
      text: 'Ask the bookkeeper\nfirst',
    });
    assert.equal(await field.getAttribute('readonly'), '');
  });

  it('takes a choice only, where no other words are allowed', async () => {
    const { card } = await openAsking({ freeText: false });
    assert.equal(await card.getByRole('textbox').count(), 0);
    assert.equal(await card.getByRole('button').count(), 3);
  });

  it('says why an answer was not taken, and can be answered again', async () => {
    const { panel, card } = await openAsking();
    await card.getByRole('textbox').fill('In cents');
    await card.getByRole('button', { name: 'Answer', exact: true }).click();
    const failure = { code: 'not_ready' as const, message: 'The relay is starting.', nextAction: 'Wait.' };
    const first = await panel.message('answer');
    await panel.post({ type: 'settled', clientId: first.clientId, failure });
    assert.deepEqual(await seenLines(card.getByRole('alert')), [
      'Not answered. The relay is starting.',
      'Wait.',
    ]);
    assert.equal(await card.getByRole('textbox').inputValue(), 'In cents');
    await card.getByRole('button', { name: 'Answer', exact: true }).click();
    const second = await panel.message('answer');
    assert.notEqual(second.clientId, first.clientId);
    assert.deepEqual(second.answer, { kind: 'text', text: 'In cents' });
    assert.equal(await card.getByRole('alert').count(), 0);
  });

  it('keeps half an answer over a reload', async () => {
    const { panel, card } = await openAsking();
    await card.getByRole('textbox').fill('Half a thou');
    const second = await panels.open({ saved: await panel.kept() });
    await second.post(snapshot(asking));
    assert.equal(await second.page.locator('.question').getByRole('textbox').inputValue(), 'Half a thou');
  });

  it('is over when the person writes a message instead', async () => {
    const { page, go } = await openAsking();
    await go([
      { type: 'question.answered', turnId: 'turn-1', questionId: 'q1', answer: { kind: 'dismissed' } },
    ]);
    await page.locator('.answered').waitFor();
    assert.match(await seen(page.locator('.answered')), /Not answered$/);
  });

  it('is read out, and reached by keyboard from the composer', async () => {
    const panel = await panels.open();
    const before = asking.length - 2;
    await panel.post(snapshot(asking.slice(0, before)));
    await panel.post({ type: 'events', taskId: TASK_ID, events: log(asking).slice(before) });
    const said = panel.page.getByRole('log').locator('p');
    await said.first().waitFor({ state: 'attached' });
    assert.deepEqual(await said.allTextContents(), [
      'The agent asks: Prices come as strings in legacy.csv. How should those be read? Answers: Convert them, Refuse them, Leave them out.',
    ]);
    await panel.page.getByLabel('Message to the agent').focus();
    const label = () => panel.page.evaluate(() => document.activeElement?.textContent ?? '');
    for (let steps = 0; steps < 12 && !(await label()).startsWith('Convert them'); steps++)
      await panel.page.keyboard.press('Shift+Tab');
    await panel.page.keyboard.press('Enter');
    assert.deepEqual((await panel.message('answer')).answer, { kind: 'choice', label: 'Convert them' });
  });
});
