import assert from 'node:assert/strict';
import { DEEPEST, delegated, delegating, START, STEP } from './agents-story.ts';
import { log, snapshot, TASK_ID } from './story.ts';
import { seen, seenLines, usePanels } from './suite.ts';

describe('subagents in the chat panel', () => {
  const panels = usePanels();

  /** @param after ms since the newest event of `delegating` */
  async function open(events: typeof delegating, after = 5000) {
    const panel = await panels.open({ height: 1400 });
    await panel.page.clock.setFixedTime(START + (delegating.length - 1) * STEP + after);
    await panel.post(snapshot(events));
    await panel.page.locator('.agent').first().waitFor();
    return panel;
  }

  it('are a card each, four levels deep, with what each does and has used up', async () => {
    const { page } = await open(delegating);
    const used = '1 of 60 model calls · 12.3k of 3M tokens · $0.004 · 14 m 48 s left · acme/swift-2';
    const none = '0 of 60 model calls · 0 of 3M tokens · 14 m 48 s left · acme/swift-2';
    assert.deepEqual(await seenLines(page.locator('.transcript')), [
      'Compute in cents everywhere.',
      ...['executor', 'Move the cart to cents', 'running'],
      '10 s · 3 of 60 model calls · 36.9k of 3M tokens · $0.012 · 14 m 48 s left · acme/swift-2',
      'task explorer',
      '1 agent below',
      ...['explorer', 'List places that round', 'running'],
      '7 s · 2 of 60 model calls · 24.6k of 3M tokens · $0.008 · 14 m 48 s left · acme/swift-2',
      'task tax-expert',
      '1 agent below',
      ...['tax-expert', 'See how the tax rounds', 'running', `6 s · ${used}`, 'grep round\\('],
      ...['reviewer', 'Look for what was missed', 'running', `9 s · ${none}`],
      ...['explorer', 'Find who reads totals', 'running', `8 s · ${none}`],
      ...['Working', '11 s'],
    ]);
    const tree = page.getByRole('list', { name: 'Agents that work for “Move the cart to cents”' });
    await tree.getByRole('list', { name: 'Agents that work for “List places that round”' }).waitFor();
  });

  it('are stopped one by one, and say so until they have', async () => {
    const panel = await open(delegating);
    await panel.page.getByRole('button', { name: 'Stop tax-expert “See how the tax rounds”' }).click();
    const asked = await panel.message('stopAgent');
    assert.deepEqual(asked, { type: 'stopAgent', taskId: TASK_ID, agentId: DEEPEST });
    const stopping = log([
      ...delegating,
      { type: 'agent.stopping', turnId: 'turn-1', agentId: DEEPEST },
    ]).slice(delegating.length);
    await panel.post({ type: 'events', taskId: TASK_ID, events: stopping });
    await panel.page.getByText('stopping', { exact: true }).waitFor();
    const left = panel.page.getByRole('button', { name: /^Stop (?!the agent)/ });
    assert.equal(await left.count(), 4);
  });

  it('say that nothing was heard of them for a minute: not those who wait for others', async () => {
    const { page } = await open(delegating, 61_000);
    const silent = await page.locator('.agent-trouble').allTextContents();
    assert.deepEqual(silent, ['No news for 1 m 01 s', 'No news for 1 m 05 s', 'No news for 1 m 04 s']);
  });

  it('say that they wait for the person, and not that nothing is heard of them', async () => {
    const { post, page } = await open(delegating, 61_000);
    const about = {
      turnId: 'turn-1',
      messageId: 'm',
      cap: 'turn' as const,
      neededMicros: 20,
      raiseMicros: 0,
    };
    const question = { question: 'Go on?', options: [{ label: 'Go on' }], freeText: false };
    const rest = log([
      ...delegating,
      { type: 'spend.held', ...about },
      {
        type: 'question.asked',
        turnId: 'turn-1',
        questionId: 'turn-1:spend:0',
        about: 'spend',
        ...question,
      },
      { type: 'turn.parked', turnId: 'turn-1' },
    ]).slice(delegating.length);
    const states = () => page.locator('.agent-line .tool-detail').allTextContents();
    const waits = 'waits for your answer';
    await post({ type: 'events', taskId: TASK_ID, events: rest.slice(0, 2) });
    await page.getByText(waits).first().waitFor();
    // Their own subagents may go on, before all wait.
    assert.deepEqual(await states(), ['running', 'running', waits, waits, waits]);
    await post({ type: 'events', taskId: TASK_ID, events: rest.slice(2) });
    await page.getByText(waits).nth(4).waitFor();
    assert.deepEqual(await states(), [waits, waits, waits, waits, waits]);
    assert.equal(await page.locator('.agent-trouble').count(), 0);
    assert.equal(await page.getByText(/ left/).count(), 0, 'no time runs out meanwhile');
    assert.equal(await page.getByRole('button', { name: /^Stop (?!the agent)/ }).count(), 5);
  });

  it('are gone into and out of with the arrow keys, as the editor’s trees', async () => {
    const { page } = await open(delegating);
    const focused = () =>
      page.evaluate(() => document.activeElement?.querySelector('.tool-subject')?.textContent);
    await page.locator('.agent-line').first().focus();
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
      return focused();
    };
    // Opened, gone into, opened, gone into, opened, gone into: down to what the deepest does.
    const deepest = Array<string>(6).fill('ArrowRight');
    assert.equal(await press(...deepest), 'round\\(');
    assert.equal(await press('ArrowLeft'), 'See how the tax rounds');
    assert.equal(await press('ArrowUp', 'ArrowDown', 'ArrowDown'), 'round\\(');
    assert.equal(await press('ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft'), 'List places that round');
    assert.equal(await press('ArrowLeft', 'ArrowLeft'), 'Move the cart to cents');
    assert.equal(await press('ArrowDown'), 'Look for what was missed');
  });

  it('show what they handed up, what became of it, and who made a fact stale', async () => {
    const panel = await open(delegated);
    const card = (name: string) => panel.page.locator('.agent', { hasText: name });
    assert.deepEqual(await seenLines(card('Find who reads totals')), [
      ...['explorer', 'Find who reads totals', 'done'],
      '5.6 s · 0 of 60 model calls · 0 of 3M tokens · acme/swift-2',
      '1 fact holds no more',
    ]);
    await card('Find who reads totals').locator('.agent-line').click();
    assert.deepEqual(
      await seenLines(card('Find who reads totals').getByRole('region', { name: 'Rests on' })),
      [
        'Rests on',
        ...['src/receipt.ts', 'lines 3–9'],
        ...['src/cart.ts', 'lines 1–4 · changed since by executor “Move the cart to cents”'],
      ],
    );
    await card('Look for what was missed').locator('.agent-line').click();
    const findings = panel.page.getByRole('region', { name: 'Findings' });
    assert.deepEqual(await seenLines(findings), [
      'Findings',
      'blocker',
      'src/vat.ts',
      'Still rounds floats.',
    ]);
    await findings.getByRole('button', { name: 'src/vat.ts' }).click();
    assert.deepEqual(await panel.message('openFile'), {
      ...{ type: 'openFile', taskId: TASK_ID, path: 'src/vat.ts', line: 7 },
    });
    await card('Move the cart to cents').locator('.agent-line').first().click();
    const merged = panel.page.getByRole('region', { name: 'Changed files' });
    assert.deepEqual(await seenLines(merged), [
      'Changed files',
      'src/vat.ts',
      'has conflicts',
      'src/cart.ts',
    ]);
    assert.deepEqual((await seenLines(card('List places that round').last())).slice(2, 5), [
      'over its budget',
      '3.6 s · 2 of 60 model calls · 24.6k of 3M tokens · $0.008 · acme/swift-2',
      'It has used up its 60 model calls.',
    ]);
    assert.match(await seen(panel.page.locator('.turn-end-line')), /Cost \$0\.016/);
    assert.match(
      await seen(panel.page.locator('.cut')),
      /was summarised for the agent: 130k tokens became 24k/,
    );
  });
});
