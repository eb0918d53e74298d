import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { NewEvent } from '../../server/protocol/events.ts';
import { created, finished, log, snapshot, TASK_ID, taskOf, working } from './story.ts';
import { usePanels } from './suite.ts';

const start: NewEvent[] = [created, { type: 'turn.started', turnId: 't' }];

/** A turn of `count` events: a step is a sentence of five deltas and a call of a tool. */
function longTurn(count: number): NewEvent[] {
  const events = [...start];
  for (let step = 0; events.length < count; step++) {
    const messageId = `m${step}`;
    const callId = `c${step}`;
    for (const word of ['Looking ', 'at ', 'step ', `${step}`, '.'])
      events.push({ type: 'text.delta', turnId: 't', messageId, attempt: 1, text: word });
    const text = `Looking at step ${step}.`;
    events.push({
      type: 'model.answered',
      turnId: 't',
      messageId,
      attempt: 1,
      text,
      toolCalls: [],
      usage: {},
    });
    events.push({
      type: 'tool.started',
      turnId: 't',
      callId,
      name: 'read',
      input: { path: `src/${step}.ts` },
    });
    const result = { callId, name: 'read', output: '1: x', isError: false, durationMs: 3 };
    events.push({ type: 'tool.finished', turnId: 't', ...result });
  }
  return events.slice(0, count);
}

const fromEnd = (page: Page) =>
  page
    .locator('.transcript')
    .evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);
const atEnd = (page: Page) =>
  page.waitForFunction(() => {
    const element = document.querySelector('.transcript');
    return element !== null && element.scrollHeight - element.scrollTop - element.clientHeight < 2;
  });

describe('the transcript', () => {
  const panels = usePanels();

  it('opens 10,000 events at their end, with only what is seen in the page', async () => {
    const { page, post } = await panels.open();
    await post(snapshot(longTurn(10_000)));
    await atEnd(page);
    await page.locator('.transcript').getByText('Looking at step 1248.').waitFor();
    assert.ok((await page.locator('.tool, .answer').count()) < 100);
  });

  it('follows its end while text streams, stays where the person scrolled, and jumps back', async () => {
    const { page, post } = await panels.open();
    const history = longTurn(800);
    const deltas = Array.from(
      { length: 60 },
      (_, index): NewEvent => ({
        type: 'text.delta',
        turnId: 't',
        messageId: 'end',
        attempt: 1,
        text: `Line ${index}.\n\n`,
      }),
    );
    const events = log([...history, ...deltas]).slice(history.length);
    const stream = async (from: number, to: number) => {
      for (const event of events.slice(from, to))
        await post({ type: 'events', taskId: TASK_ID, events: [event] });
    };
    await post(snapshot(history));
    await stream(0, 20);
    await page.locator('.transcript').getByText('Line 19.').waitFor();
    await atEnd(page);

    await page.locator('.transcript').hover();
    await page.mouse.wheel(0, -300);
    await page.getByRole('button', { name: 'Jump to latest' }).waitFor();
    const top = await page.locator('.transcript').evaluate((element) => element.scrollTop);
    await stream(20, 60);
    await page.waitForFunction(
      (before) => {
        const element = document.querySelector('.transcript');
        return element !== null && element.scrollHeight - element.scrollTop > before + 600;
      },
      await page.locator('.transcript').evaluate((element) => element.clientHeight),
    );
    assert.equal(await page.locator('.transcript').evaluate((element) => element.scrollTop), top);

    await page.getByRole('button', { name: 'Jump to latest' }).click();
    await page.locator('.transcript').getByText('Line 59.').waitFor();
    await atEnd(page);
    assert.equal(await page.getByRole('button', { name: 'Jump to latest' }).count(), 0);
  });

  it('comes back to the row where it was left', async () => {
    const first = await panels.open();
    await first.post(snapshot(longTurn(2000)));
    await atEnd(first.page);
    await first.page.locator('.transcript').hover();
    await first.page.mouse.wheel(0, -2000);
    await first.page.waitForFunction(() => {
      const { stub } = window as unknown as { stub: { state?: { scrollAnchor?: unknown } } };
      return Boolean(stub.state?.scrollAnchor);
    });
    const visible = (page: Page) =>
      page.evaluate(() => document.elementFromPoint(200, 120)?.closest('.tool, .answer')?.textContent);
    const before = await visible(first.page);
    const second = await panels.open({ saved: await first.kept() });
    await second.post(snapshot(longTurn(2000)));
    await second.page.waitForFunction(
      (text) => document.elementFromPoint(200, 120)?.closest('.tool, .answer')?.textContent === text,
      before,
    );
    assert.ok((await fromEnd(second.page)) > 1000);
  });

  it('is gone through by keyboard: arrows between tool calls, Enter opens, Escape goes to the composer', async () => {
    const { page, post } = await panels.open();
    await post(snapshot(finished));
    const focusIsOn = (text: string) =>
      page.waitForFunction((wanted) => document.activeElement?.textContent === wanted, text);
    await page.locator('.tool-line[tabindex="0"]').focus();
    await focusIsOn('Rannpm test1.2 s');
    assert.equal(await page.locator('.tool-line[tabindex="0"]').count(), 1);
    await page.keyboard.press('ArrowUp');
    await focusIsOn('Wrotetest/cart.test.ts2 lines');
    await page.keyboard.press('ArrowUp');
    await focusIsOn('Editedsrc/cart.ts');
    await page.keyboard.press('Enter');
    await page.locator('.replacement').waitFor();
    await page.keyboard.press('Home');
    await focusIsOn('Searchedtotal\\(in src · 2 results');
    await page.keyboard.press('Escape');
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'TEXTAREA');
  });

  it('moves the focus to calls that are far out of sight', async () => {
    const { page, post } = await panels.open();
    await post(snapshot(longTurn(4000)));
    await atEnd(page);
    await page.locator('.tool-line[tabindex="0"]').focus();
    await page.keyboard.press('Home');
    await page.waitForFunction(() => document.activeElement?.textContent === 'Readsrc/0.ts');
  });

  it('tells a screen reader sentences and ends of tools, not tokens', async () => {
    const { page, post } = await panels.open();
    await post(snapshot(start));
    const events = log([...start, ...longTurn(10).slice(2)]).slice(2);
    for (const event of events) await post({ type: 'events', taskId: TASK_ID, events: [event] });
    const said = page.getByRole('log').locator('p');
    await said.nth(1).waitFor({ state: 'attached' });
    assert.deepEqual(await said.allTextContents(), ['Looking at step 0.', 'Read src/0.ts.']);
    assert.equal(await page.locator('.transcript [aria-live]').count(), 0);
  });

  it('shows a command’s output while it runs, then its end', async () => {
    const { page, post } = await panels.open();
    const rest = finished.slice(working.length);
    await post(snapshot(working));
    await page.locator('.live-tail').waitFor();
    const events = log([...working, ...rest]).slice(working.length);
    await post({ type: 'events', taskId: TASK_ID, events });
    await page.getByRole('button', { name: 'Ran npm test 1.2 s' }).waitFor();
    assert.equal(await page.locator('.live-tail').count(), 0);
    assert.equal(taskOf(log(finished)).status, 'completed');
  });
});
