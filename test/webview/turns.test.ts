import assert from 'node:assert/strict';
import { checked, explored, exploring, stopped, waiting } from './durable-story.ts';
import { log, snapshot, TASK_ID } from './story.ts';
import { seeLines, seen, seenLines, usePanels } from './suite.ts';

describe('a turn that outlives its process', () => {
  const panels = usePanels();

  it('says why it waits and what to do, and no more when it goes on', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(waiting));
    const { page } = panel;
    assert.equal(
      await seen(page.locator('.notice')),
      'The disk of the relay is full. Make room on it: the task goes on by itself.',
    );
    assert.equal(await page.getByRole('img', { name: 'Waiting' }).count(), 1);
    assert.equal(await page.locator('.working').count(), 0);
    const on = log([...waiting, { type: 'turn.continued', turnId: 'turn-1' }]).slice(waiting.length);
    await panel.post({ type: 'events', taskId: TASK_ID, events: on });
    await page.locator('.working').waitFor();
    assert.equal(await page.locator('.notice').count(), 0);
  });

  it('says what a stop cut off, what had been done, and what there is of it', async () => {
    const { page, post } = await panels.open();
    await post(snapshot(stopped));
    assert.deepEqual(await seenLines(page.locator('.turn-end')), [
      '6 steps had finished. 1 changed file is kept in the proposal.',
      'Cut off:',
      'bash npm test',
      'read src/vat.ts',
      'Stopped after 11 s',
      'Roll back',
    ]);
  });

  it('offers the way back to before it, while nothing is being worked on', async () => {
    const { page, post, message } = await panels.open();
    await post(snapshot(stopped));
    await page.getByRole('button', { name: 'Roll back' }).click();
    assert.deepEqual(await message('rollBack'), { type: 'rollBack', taskId: TASK_ID, turnId: 'turn-1' });
    await post(snapshot([...stopped, { type: 'turn.started', turnId: 'turn-2' }]));
    await page.locator('.working').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Roll back' }).count(), 0);
  });

  it('shows its checks as they go, and what one printed on demand', async () => {
    const panel = await panels.open({ height: 1400 });
    await panel.post(snapshot(checked));
    const checks = panel.page.getByRole('list', { name: 'Checks' });
    await checks.waitFor();
    await seeLines(checks.locator('.tool-line'), [
      'lintnpm run lintpassed · 2.1 s',
      'typesnpx tsc --noEmitfailed · 6.4 s',
      'testnpm test -- --allrunning',
    ]);
    const types = checks.getByRole('button', { name: /^types/ });
    await types.press('Enter');
    assert.equal(await types.getAttribute('aria-expanded'), 'true');
    assert.match(await seen(checks.locator('.output')), /error TS2322/);
    const cancelled = log([
      ...checked,
      {
        type: 'check.finished',
        ...{ turnId: 'turn-1', name: 'test', outcome: 'cancelled', output: '', durationMs: 900 },
      },
    ]);
    await panel.post({ type: 'events', taskId: TASK_ID, events: cancelled.slice(checked.length) });
    await checks.getByText('cancelled · 900 ms').waitFor();
    assert.equal(
      await panel.page.getByRole('log').locator('p').last().textContent(),
      'Check test cancelled.',
    );
  });

  it('shows a subagent in one line with what it does now, and opens to all that it did', async () => {
    const panel = await panels.open();
    const { page } = panel;
    await panel.post(snapshot(exploring));
    const row = page.locator('.tool', { hasText: 'Explor' });
    await seeLines(page.locator('.tool-line'), ['ExploringFind every place that rounds2 steps']);
    assert.equal(await seen(row.locator('.last-action')), 'Read src/vat.ts');
    await panel.post({
      type: 'events',
      taskId: TASK_ID,
      events: log(explored).slice(exploring.length),
    });
    await row.getByRole('button', { name: 'Explored Find every place that rounds 2 steps · 21 s' }).click();
    const nested = page.getByRole('region', {
      name: 'What the agent for “Find every place that rounds” does',
    });
    assert.deepEqual(await seenLines(nested), [
      'I look for calls of round.',
      ...['Searched', 'round\\(', '1 result'],
      ...['Read', 'src/vat.ts'],
    ]);
    assert.deepEqual(await seenLines(row.locator('.told')), [
      'List each file and line where an amount is rounded, and how.',
    ]);
    assert.match(await seen(row), /One place: src\/vat\.ts:7 rounds half up\.$/);
    await nested.getByRole('button', { name: 'Read src/vat.ts' }).press('Enter');
    assert.match(await seen(nested.locator('.output')), /7: return round\(x\);/);
  });
});
