import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { configured } from '../aftermath/room.ts';
import { NAME, OWNER, openSite, type Site, TOKEN, writes } from '../follow/site.ts';
import { withDatabase } from '../turn/database.ts';

const count = (site: Site): Promise<number> =>
  withDatabase(site.data, async (client) => {
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM handoff.deposits');
    return Number(rows[0]?.count);
  });

describe('a pull request that is opened unattended', function () {
  this.timeout(90_000);
  let site: Site;
  afterEach(() => site.close());

  const delegate = (prompt = 'Write notes') =>
    site.delegate(prompt, `${site.github.url}/${OWNER}/${NAME}.git`);
  const git = async (...args: string[]) => (await site.github.git(OWNER, NAME, args)).trim();
  /** As it was told, without number and time. */
  const facts = (events: readonly { type: string }[], prefix: string): object[] =>
    events
      .filter(({ type }) => type.startsWith(prefix))
      .map((event) =>
        Object.fromEntries(Object.entries(event).filter(([key]) => key !== 'seq' && key !== 'at')),
      );

  it('is a draft of all that was not rejected, once the checks have passed; and the token is destroyed', async () => {
    site = await openSite([
      {
        steps: [
          {
            toolCalls: [
              { name: 'bash', arguments: { command: 'until [ -e gate ]; do sleep 0.05; done; rm gate' } },
            ],
          },
          ...configured({ style: 'true', tests: 'test -e notes.md' }),
          { text: 'I wrote a note.' },
        ],
      },
    ]);
    const taskId = await delegate();
    const watched = site.watch(taskId);
    await watched.until('tool.started');
    const { until, plan } = await site.client.armUnattended(taskId, { hours: 2, title: 'Notes' }, TOKEN);
    assert.deepEqual(plan, { uncommitted: 'leave-out', draft: true, title: 'Notes' });
    assert.ok(until !== undefined && Math.abs(until - Date.now() - 2 * 3_600_000) < 60_000);
    assert.deepEqual(await site.client.unattended(taskId), { until, plan });
    assert.equal((await site.client.getTask(taskId)).unattendedUntil, until);
    await site.openGate();
    await watched.until('unattended.ended');
    assert.deepEqual(facts(watched.events, 'unattended.'), [
      { type: 'unattended.armed', until },
      { type: 'unattended.ended', reason: 'used' },
    ]);
    const { publish, proposal, review } = await site.client.getTask(taskId);
    assert.equal(publish?.stage, 'opened');
    assert.equal(review?.acceptedTree, proposal?.headTree);
    assert.equal(await git('rev-parse', `${publish?.branch}^{tree}`), proposal?.headTree);
    const [started] = facts(watched.events, 'publish.started');
    assert.ok(started && 'isUnattended' in started && started.isUnattended);
    const [pull, ...others] = site.github.pulls(OWNER, NAME);
    assert.deepEqual([pull?.title, pull?.draft, pull?.author.login, others], ['Notes', true, OWNER, []]);
    assert.match(pull?.body ?? '', /^I wrote a note\.\n\n_Opened by Handoff .* passed: style, tests\._$/);
    assert.equal(await count(site), 0);
    assert.deepEqual(await site.client.unattended(taskId), {});
  });

  it('waits for the turn whose checks pass, and for what the agent did to have been checked', async () => {
    site = await openSite([
      {
        steps: [
          ...configured({ tests: 'test -e more.md' }),
          { text: 'Not yet.' },
          writes('more.md', 'more\n'),
          { text: 'Now.' },
        ],
      },
    ]);
    const taskId = await delegate();
    const watched = site.watch(taskId);
    const { turnId } = await watched.until('turn.ended');
    await watched.until('check.finished', ({ outcome }) => outcome === 'failed');
    await site.client.armUnattended(taskId, {}, TOKEN);
    const second = await site.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Write more' });
    assert.notEqual(second.turnId, turnId);
    await watched.until('unattended.ended');
    assert.deepEqual(
      watched.events
        .filter(({ type }) => type === 'publish.started' || type === 'turn.ended')
        .map(({ type }) => type),
      ['turn.ended', 'turn.ended', 'publish.started'],
    );
    assert.equal(site.github.pulls(OWNER, NAME).length, 1);
  });

  it('is none where the person opened it: what nobody has reviewed is not pushed to it', async () => {
    site = await openSite([
      {
        steps: [
          ...configured({ tests: 'test -e more.md' }),
          { text: 'Not yet.' },
          writes('more.md', 'more\n'),
          { text: 'Now.' },
        ],
      },
    ]);
    const taskId = await delegate();
    const watched = site.watch(taskId);
    await watched.until('check.finished', ({ outcome }) => outcome === 'failed');
    await site.client.armUnattended(taskId, {}, TOKEN);
    const commit = await site.push(taskId);
    await watched.until('unattended.ended', ({ reason }) => reason === 'cancelled');
    await assert.rejects(site.client.armUnattended(taskId, {}, TOKEN), { code: 'conflict', status: 409 });
    assert.deepEqual([await count(site), await site.client.unattended(taskId)], [0, {}]);
    await site.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Write more' });
    await watched.until('check.finished', ({ outcome }) => outcome === 'passed');
    const { publish } = await site.client.getTask(taskId);
    assert.equal(await git('rev-parse', `${publish?.branch}`), commit);
  });

  for (const stage of ['review.decided', 'publish.started', 'publish.pushed', 'publish.opened'] as const) {
    it(`goes on where the relay was killed at ${stage}, and is one`, async () => {
      site = await openSite([{ steps: [writes('notes.md', 'a note\n'), { text: 'Done.' }] }]);
      const taskId = await delegate();
      const watched = site.watch(taskId);
      await watched.until('turn.ended');
      await site.client.armUnattended(taskId, {}, TOKEN);
      await watched.until(stage);
      await site.kill();
      await site.start();
      const { reason } = await watched.until('unattended.ended');
      assert.equal(reason, 'used');
      assert.equal(facts(watched.events, 'publish.started').length, 1);
      assert.equal(facts(watched.events, 'publish.opened').length, 1);
      assert.equal(facts(watched.events, 'review.decided').length, 1);
      assert.equal(site.github.pulls(OWNER, NAME).length, 1);
      assert.match(site.github.pulls(OWNER, NAME)[0]?.body ?? '', /has no checks of its own/);
      assert.equal(await count(site), 0);
    });
  }

  it('is tried again while GitHub is away, and not where it says no', async () => {
    site = await openSite([{ steps: [writes('notes.md', 'a note\n'), { text: 'Done.' }] }]);
    const taskId = await delegate();
    const watched = site.watch(taskId);
    await watched.until('turn.ended');
    await site.client.armUnattended(taskId, {}, TOKEN);
    site.github.failNext({ status: 502 });
    const failed = await watched.until('publish.failed');
    assert.equal(failed.error.code, 'github_unavailable');
    await watched.until('unattended.ended', ({ reason }) => reason === 'used');
    assert.equal(site.github.pulls(OWNER, NAME).length, 1);
  });

  it('is never opened over what looks like a secret: the token is destroyed, and it says why', async () => {
    const secret = `AKIA${'QJ7ZK4XN2WPMVTRB'}`;
    site = await openSite([
      { steps: [writes('deploy.env', `AWS_ACCESS_KEY_ID=${secret}\n`), { text: 'Done.' }] },
    ]);
    const taskId = await delegate();
    const watched = site.watch(taskId);
    await site.client.armUnattended(taskId, {}, TOKEN);
    const ended = await watched.until('unattended.ended');
    assert.equal(ended.reason, 'failed');
    assert.ok(ended.detail && !ended.detail.includes(secret));
    assert.equal((await site.client.getTask(taskId)).publish?.error?.code, 'secrets_found');
    assert.deepEqual([site.github.pulls(OWNER, NAME), await count(site)], [[], 0]);
    const notices = (await site.client.getTask(taskId)).turns
      .at(-1)
      ?.items.filter(({ kind }) => kind === 'notice');
    assert.equal(notices?.length, 1);
  });

  it('leaves no token behind: taken back, replaced, archived, over', async () => {
    site = await openSite([{ steps: [{ text: 'Nothing to do.' }] }]);
    const taskId = await delegate();
    const watched = site.watch(taskId);
    await assert.rejects(site.client.armUnattended(taskId, {}, 'gho_expired'), { code: 'token_rejected' });
    await assert.rejects(site.client.armUnattended(taskId, { hours: 169 }, TOKEN), { code: 'bad_request' });
    assert.equal(await count(site), 0);
    await watched.until('turn.ended');
    await site.client.armUnattended(taskId, {}, TOKEN);
    const { until } = await site.client.armUnattended(taskId, { hours: 1 }, TOKEN);
    assert.equal(await count(site), 1);
    await site.client.disarmUnattended(taskId);
    await site.client.disarmUnattended(taskId);
    assert.deepEqual([await count(site), await site.client.unattended(taskId)], [0, {}]);
    const sealed = await site.client.armUnattended(taskId, {}, TOKEN);
    await withDatabase(site.data, (client) => client.query('UPDATE handoff.deposits SET until = 1'));
    await watched.until('unattended.ended', ({ reason }) => reason === 'expired');
    assert.equal(await count(site), 0);
    const last = await site.client.armUnattended(taskId, {}, TOKEN);
    await site.client.archive(taskId);
    await watched.until('task.archived');
    assert.equal(await count(site), 0);
    const armed = (at: number | undefined) => ({ type: 'unattended.armed', until: at });
    const ended = (reason: string) => ({ type: 'unattended.ended', reason });
    assert.deepEqual(facts(watched.events, 'unattended.').slice(1), [
      ended('cancelled'),
      armed(until),
      ended('cancelled'),
      armed(sealed.until),
      ended('expired'),
      armed(last.until),
      ended('cancelled'),
    ]);
    await assert.rejects(site.client.armUnattended(taskId, {}, TOKEN), { code: 'conflict' });
    assert.deepEqual(site.github.pulls(OWNER, NAME), [], 'there was nothing to open');
  });
});
