import assert from 'node:assert/strict';
import type { NewEvent } from '../../server/protocol/events.ts';
import { ANSWER, failed, finished, log, snapshot, TASK_ID, working } from './story.ts';
import { seeLines, seen, seenLines, usePanels } from './suite.ts';

describe('the chat panel', () => {
  const panels = usePanels();
  const TRY_AGAIN = {
    ...{ type: 'send', clientId: 'retry:turn-1', taskId: TASK_ID },
    ...{ text: 'Try again from where you stopped.', selection: [] },
  };

  it('asks for its content, and waits for it', async () => {
    const panel = await panels.open();
    assert.deepEqual(await panel.posted(), [{ type: 'ready', taskId: null }]);
    assert.equal(await seen(panel.page.locator('body')), 'Loading…');
  });

  it('lets nothing be sent while a task is being fetched: it would be another task', async () => {
    const { page, post } = await panels.open();
    await post({ ...snapshot(null), view: 'task' });
    assert.deepEqual(await seenLines(page.locator('.app')), ['Loading…']);
    assert.equal(await page.getByRole('textbox').count(), 0);
  });

  it('shows a task that is being worked on', async () => {
    const { page, post } = await panels.open();
    await post(snapshot(working));
    assert.deepEqual(await seenLines(page.locator('.header')), [
      'Fix the rounding of cart totals',
      'acme/webshop',
      'feature/cart-totals',
      'f3a9c1d',
      '3 uncommitted files carried',
    ]);
    assert.equal(await page.getByRole('img', { name: 'Running' }).count(), 1);
    await seeLines(page.locator('.tool-line'), [
      'Searchedtotal\\(in src · 2 results',
      'Readsrc/cart.tslines 1–40',
      'Readsrc/prices.tsfailed',
      'Editedsrc/cart.ts',
      'Wrotetest/cart.test.ts2 lines',
      'Runningnpm test',
    ]);
    assert.match(await seen(page.locator('.live-tail')), /ok 1 - adds cents exactly/);
    assert.match(await seen(page.locator('.working')), /^Working/);
    assert.deepEqual(await seenLines(page.locator('.plan')), ['Plan', '1 of 3', 'Compute in cents']);
  });

  it('offers to open what listens in the task’s sandbox, until the task is archived', async () => {
    const { page, post, message } = await panels.open();
    const button = page.getByRole('button', { name: 'Open preview' });
    await post(snapshot(working));
    await button.click();
    assert.deepEqual(await message('preview'), { type: 'preview', taskId: TASK_ID });
    await post(snapshot([...finished, { type: 'task.archived' }]));
    await page.getByRole('img', { name: 'Archived' }).waitFor();
    assert.equal(await button.count(), 0);
  });

  it('ends at the same page by events as by a snapshot', async () => {
    const tall = { height: 2000 };
    const [streamed, whole] = [await panels.open(tall), await panels.open(tall)];
    await streamed.post(snapshot(finished.slice(0, 1)));
    for (const event of log(finished).slice(1))
      await streamed.post({ type: 'events', taskId: TASK_ID, events: [event] });
    await whole.post(snapshot(finished));
    for (const { page } of [streamed, whole]) {
      await seeLines(page.locator('.tool-verb'), ['Searched', 'Read', 'Read', 'Edited', 'Wrote', 'Ran']);
      await page.locator('.answer').nth(1).waitFor();
      await page.locator('.turn-end').waitFor();
    }
    const read = ({ page }: typeof whole) => seen(page.locator('.transcript'));
    assert.equal(await read(streamed), await read(whole));
  });

  it('makes markdown of an answer: emphasis, lists, code with its language, links', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(finished));
    const answer = panel.page.locator('.answer', { hasText: 'I found the cause' });
    await answer.waitFor();
    assert.deepEqual(await answer.locator('li').allInnerTexts(), [
      'Prices are now integers of cents.',
      'src/money.ts formats them.',
    ]);
    assert.equal(await seen(answer.locator('figcaption')), 'ts');
    await answer.locator('pre .hljs-keyword').first().waitFor();
    await answer.getByRole('button', { name: 'Copy code' }).click();
    const code = /```ts\n([\s\S]+?)\n```/.exec(ANSWER)?.[1];
    assert.deepEqual(await panel.message('copy'), { type: 'copy', text: code });
    await answer.getByRole('link', { name: 'the report' }).click();
    assert.deepEqual(await panel.message('openExternal'), {
      type: 'openExternal',
      url: 'https://example.com/issues/7',
    });
    await answer.getByRole('link', { name: 'src/money.ts' }).click();
    assert.deepEqual(await panel.message('openFile'), {
      type: 'openFile',
      taskId: TASK_ID,
      path: 'src/money.ts',
      line: 12,
    });
    assert.equal(panel.page.url(), 'http://panel.test/');
  });

  it('opens a tool call to show how it was done', async () => {
    const { page, post } = await panels.open({ height: 1200 });
    await post(snapshot(finished));
    const edit = page.locator('.tool', { hasText: 'Edited' });
    await edit.getByRole('button', { name: 'Edited' }).click();
    assert.deepEqual(await edit.locator('.replacement pre').allInnerTexts(), [
      '- sum + price',
      '+ sum + cents',
    ]);
    const bash = page.locator('.tool', { hasText: 'Ran' });
    await bash.getByRole('button', { name: 'Ran npm test' }).click();
    assert.equal(await seen(bash.locator('.command')), '$ npm test');
    assert.match(await seen(bash.locator('.output pre')), /# pass 2$/);
  });

  it('says why a turn failed and what to do, and tries again', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(failed));
    assert.deepEqual(await seenLines(panel.page.getByRole('alert')), [
      'The model did not answer after 5 attempts.',
      'Try again in a few minutes, or choose another model.',
      'Try again',
    ]);
    await panel.page.getByRole('button', { name: 'Try again' }).click();
    assert.deepEqual(await panel.message('send'), TRY_AGAIN);
  });

  it('tries again once, however often it is asked to, and leaves the draft alone', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(failed));
    const composer = panel.page.getByLabel('Message to the agent');
    const button = panel.page.getByRole('button', { name: 'Try again' });
    await composer.fill('Half a thou');
    await button.dblclick();
    assert.equal(await button.isDisabled(), true);
    assert.match(await seen(panel.page.locator('.queue')), /^Sending\s+Try again from where you stopped/);
    const reloaded = await panels.open({ saved: await panel.kept() });
    assert.deepEqual(await reloaded.message('send'), TRY_AGAIN);
    // Taken, but the event that the next turn runs is still on its way.
    await panel.post({ type: 'settled', clientId: TRY_AGAIN.clientId, failure: null });
    await button.click();
    assert.deepEqual(
      (await panel.posted()).filter(({ type }) => type === 'send'),
      [TRY_AGAIN, TRY_AGAIN],
    );
    assert.equal(await composer.inputValue(), 'Half a thou');
  });

  it('says why it could not try again, and can be asked anew', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(failed));
    const button = panel.page.getByRole('button', { name: 'Try again' });
    await button.click();
    const failure = { code: 'not_ready' as const, message: 'The relay is starting.' };
    await panel.post({ type: 'settled', clientId: TRY_AGAIN.clientId, failure });
    await panel.page.getByRole('alert').getByText('Not sent. The relay is starting.').waitFor();
    assert.equal(await panel.page.getByLabel('Message to the agent').inputValue(), '');
    assert.equal(await button.isEnabled(), true);
  });

  it('offers the review of a proposal, whole and by file', async () => {
    const panel = await panels.open();
    await panel.post(snapshot(finished));
    const card = panel.page.getByRole('region', { name: '4 files changed' });
    assert.deepEqual(await seenLines(card), [
      ...['4 files changed', '+24 −33'],
      ...['cart.ts', 'src', '+4 −2', 'M'],
      ...['money.ts', 'src', '+18', 'A'],
      ...['cart.test.ts', 'test', '+2', 'A'],
      ...['old-totals.md', 'docs', '−31', 'D'],
      'Review changes',
    ]);
    await card.getByRole('button', { name: 'Review src/money.ts' }).click();
    assert.deepEqual(await panel.message('review'), {
      type: 'review',
      taskId: TASK_ID,
      path: 'src/money.ts',
    });
    await card.getByRole('button', { name: 'Review changes' }).click();
    assert.deepEqual(await panel.message('review'), { type: 'review', taskId: TASK_ID, path: null });
  });

  it('goes from the accepted review to the pull request, stage by stage', async () => {
    const panel = await panels.open();
    const acceptedTree = 'c'.repeat(40);
    const commit = 'd'.repeat(40);
    const publishId = 'p1';
    const stages: NewEvent[] = [
      {
        type: 'review.decided',
        revision: 1,
        decisions: [{ path: 'src/cart.ts', hashes: ['h1'], state: 'accepted' }],
        acceptedTree,
      },
      { type: 'publish.started', publishId, branch: 'handoff/cart', acceptedTree },
      { type: 'publish.committed', publishId, commit, tree: acceptedTree },
      { type: 'publish.pushed', publishId, branch: 'handoff/cart', commit, tree: acceptedTree },
      {
        type: 'publish.opened',
        publishId,
        pullRequest: { url: 'https://github.com/acme/webshop/pull/12', number: 12, reused: false },
      },
    ];
    await panel.post(snapshot(finished));
    const events = log([...finished, ...stages]).slice(finished.length);
    const say = async (index: number) =>
      panel.post({ type: 'events', taskId: TASK_ID, events: events.slice(index, index + 1) });
    await say(0);
    await panel.page.getByText('1 file accepted').waitFor();
    await panel.page.getByRole('button', { name: 'Open pull request' }).click();
    assert.deepEqual(await panel.message('pullRequest'), { type: 'pullRequest', taskId: TASK_ID });
    for (const [index, text] of [
      'Committing to handoff/cart…',
      'Pushing handoff/cart…',
      'Opening the pull request…',
    ].entries()) {
      await say(index + 1);
      await panel.page.locator('.publish').getByText(text).waitFor();
      assert.equal(await panel.page.getByRole('button', { name: 'Open pull request' }).isDisabled(), true);
    }
    await say(4);
    await panel.page.getByRole('button', { name: 'Pull request #12' }).click();
    assert.deepEqual(await panel.message('openExternal'), {
      type: 'openExternal',
      url: 'https://github.com/acme/webshop/pull/12',
    });
    assert.equal(await panel.page.getByRole('button', { name: 'Open pull request' }).count(), 0);
  });

  it('shows where a refused pull request can be opened by hand', async () => {
    const panel = await panels.open();
    const tree = 'c'.repeat(40);
    await panel.post(
      snapshot([
        ...finished,
        { type: 'publish.started', publishId: 'p1', branch: 'b', acceptedTree: tree },
        {
          type: 'publish.failed',
          publishId: 'p1',
          error: {
            code: 'pull_request_forbidden',
            message: 'GitHub refused it.',
            nextAction: 'Open it yourself.',
          },
          compareUrl: 'https://github.com/acme/webshop/compare/b?expand=1',
        },
      ]),
    );
    assert.deepEqual(await seenLines(panel.page.locator('.publish')), [
      'GitHub refused it.',
      'Open it yourself.',
      'Open on GitHub instead',
    ]);
    await panel.page.getByRole('button', { name: 'Open on GitHub instead' }).click();
    assert.equal(
      (await panel.message('openExternal')).url,
      'https://github.com/acme/webshop/compare/b?expand=1',
    );
  });
});
