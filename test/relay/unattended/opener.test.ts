import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { listen, type Notices } from '../../../server/engine/notices.ts';
import { loadVaultKey, type VaultKey } from '../../../server/environment/vault-key.ts';
import { OpenPullRequest } from '../../../server/protocol/commands.ts';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import type { FileChange } from '../../../server/protocol/review.ts';
import type { Publish } from '../../../server/protocol/task.ts';
import { createEventLog, type EventLog } from '../../../server/tasks/event-log.ts';
import { createTaskHold, type HoldTask } from '../../../server/tasks/task-hold.ts';
import { createTaskStates, type TaskStates } from '../../../server/tasks/task-states.ts';
import { claim } from '../../../server/unattended/claim.ts';
import { createDeposits, type Deposits, type DueDeposit } from '../../../server/unattended/deposits.ts';
import { createOpener, type OpenerDeps } from '../../../server/unattended/opener.ts';
import { createUnattendedService } from '../../../server/unattended/unattended-service.ts';
import { type OwnDatabase, openOwnDatabase } from '../record/own-database.ts';
import { created } from '../record/stories.ts';

const HOST = 'here';
const [BASE, HEAD] = ['a'.repeat(40), 'b'.repeat(40)];
const NOTES = { path: 'notes.md', status: 'added', binary: false, additions: 1, deletions: 0 } as const;
const FILE: FileChange = {
  ...NOTES,
  ...{ oldMode: null, newMode: '100644', oldOid: null, newOid: HEAD },
  hunks: [{ hash: 'hunk', oldStart: 0, oldLines: 0, newStart: 1, newLines: 1 }],
};
const URL = 'https://github.com/o/r/pull/7';

describe('a token that was left, and relays that are too late', function () {
  this.timeout(60_000);
  let own: OwnDatabase;
  let notices: Notices;
  let log: EventLog;
  let states: TaskStates;
  let hold: HoldTask;
  let deposits: Deposits;
  let key: VaultKey;
  let deps: OpenerDeps;
  let now = 1_000_000;

  before(async () => {
    own = await openOwnDatabase();
    notices = await listen(own.url);
    log = createEventLog(own.database, notices, () => now);
    key = await loadVaultKey(own.folder);
  });
  beforeEach(async () => {
    await own.pool.query('TRUNCATE handoff.tasks CASCADE');
    states = createTaskStates(log);
    hold = createTaskHold(own.database, states, () => now);
    deposits = createDeposits({ database: own.database, key: async () => key, now: () => now });
    deps = {
      ...{ deposits, states, hold, log, host: HOST, now: () => now },
      repo: { compose: async () => ({ tree: HEAD, leftOut: [] }) },
      changes: async () => [FILE],
      readConfig: async () => undefined,
      template: async () => undefined,
      publishing: { publish: () => assert.fail('nothing is to be published') },
      logger: pino({ level: 'silent' }),
    };
  });
  after(async () => {
    await notices.close();
    await own.close();
  });

  const append = (taskId: string, ...events: Parameters<EventLog['append']>[2]) =>
    log.append(taskId, null, events);

  /** A turn of the task that has completed. */
  async function ended(taskId: string, turnId: string): Promise<void> {
    await own.pool.query(
      `INSERT INTO handoff.turns (turn_id, task_id, created_at, state) VALUES ($1, $2, 1, 'ended')`,
      [turnId, taskId],
    );
    await append(
      taskId,
      { key: `${turnId}:started`, event: { type: 'turn.started', turnId } },
      { key: `${turnId}:ended`, event: { type: 'turn.ended', turnId, outcome: 'completed', usage: {} } },
    );
  }

  /** A task whose turn wrote a note. */
  async function task(): Promise<{ taskId: string; turnId: string }> {
    const [taskId, turnId] = [randomUUID(), randomUUID()];
    await own.pool.query(
      `INSERT INTO handoff.tasks (task_id, client_id, created_at, updated_at, spec, overlay, host) VALUES ($1, $1, 1, 1, '{}', '[]', $2)`,
      [taskId, HOST],
    );
    await append(taskId, created(taskId));
    await ended(taskId, turnId);
    await propose(taskId, 1);
    return { taskId, turnId };
  }
  const propose = (taskId: string, revision: number) =>
    append(taskId, {
      key: `proposal:${revision}`,
      event: { type: 'proposal.changed', revision, baseTree: BASE, headTree: HEAD, files: [NOTES] },
    });
  const open = (taskId: string) =>
    append(taskId, {
      key: 'attended:opened',
      event: {
        type: 'publish.opened',
        publishId: 'attended',
        pullRequest: { url: URL, number: 7, reused: false },
      },
    });

  const service = () =>
    createUnattendedService({
      ...{ hold, deposits, now: () => now, key: async () => key },
      tasks: {
        get: (taskId) => states.current(taskId),
        row: async (taskId) => ({
          ...{ taskId, spec: { source: { url: URL, commit: BASE } }, activeTurn: null },
          ...{ sandbox: null, prepared: null, archived: false, owner: 'owner', host: HOST },
        }),
      },
      remote: { assertKnown: () => {}, look: async () => ({ base: {}, head: {}, problems: [] }) },
    });
  const arm = (taskId: string) =>
    service().arm(taskId, { hours: 1, uncommitted: 'leave-out', draft: true }, 'gho_left');

  async function armed(): Promise<{ taskId: string; turnId: string; deposit: DueDeposit }> {
    const made = await task();
    await arm(made.taskId);
    const [deposit, ...others] = await deposits.due(HOST);
    assert.ok(deposit && others.length === 0);
    return { ...made, deposit };
  }

  /** As it was told, in order. */
  async function told(taskId: string, ...types: TaskEvent['type'][]): Promise<object[]> {
    const events = await log.read(taskId, 0);
    return events.filter(({ type }) => types.includes(type)).map(({ seq: _seq, at: _at, ...event }) => event);
  }
  async function end(taskId: string): Promise<object | undefined> {
    for await (const events of log.follow(taskId, 0, AbortSignal.timeout(20_000))) {
      const found = events.find(({ type }) => type === 'unattended.ended');
      if (found) return found;
    }
    return undefined;
  }
  const published = (command: OpenPullRequest, options: { publishId?: string } = {}): Publish => ({
    publishId: options.publishId ?? '',
    stage: 'opened',
    branch: 'handoff/x',
    acceptedTree: command.acceptedTree,
  });

  it('are not given it twice, nor another attempt’s', async () => {
    const { taskId, deposit } = await armed();
    const claims = await Promise.all([claim(deps, deposit), claim(deps, deposit)]);
    assert.equal(claims.filter((one) => one === 'not-now').length, 1);
    const [won] = claims.filter((one) => typeof one === 'object');
    const publishId = `${deposit.depositId}-0`;
    const { lastTurn: _turn, ...row } = deposit;
    assert.deepEqual(won, { deposit: { ...deposit, publishId, accepted: HEAD }, checks: [] });
    assert.equal((await told(taskId, 'review.decided')).length, 1);
    assert.equal(await deposits.tokenFor(publishId), 'gho_left');

    await deposits.tryAgain(deposit, 0);
    assert.equal(await claim(deps, deposit), 'not-now', 'it is of the attempt before');
    const again = { ...row, attempt: 1 };
    assert.deepEqual(await deposits.find(taskId), again);
    assert.equal(typeof (await claim(deps, again)), 'object');
    assert.equal(await claim(deps, deposit), 'not-now');
    assert.equal(await deposits.tokenFor(`${deposit.depositId}-1`), 'gho_left');
  });

  it('go on with the same publication where a relay was killed that had said so and begun nothing', async () => {
    const { taskId, deposit } = await armed();
    const calls: unknown[] = [];
    const relay = (answer: (command: OpenPullRequest, publishId: string) => Promise<Publish>) =>
      createOpener({
        ...deps,
        publishing: {
          publish: (_taskId, command, token, options) => {
            calls.push([command.acceptedTree, token, options]);
            return answer(command, options?.publishId ?? '');
          },
        },
      });
    const asked = Promise.withResolvers<void>();
    await relay(() => {
      asked.resolve();
      return new Promise(() => {});
    })();
    await asked.promise;
    await relay(async (command, publishId) => published(command, { publishId }))();
    await end(taskId);
    const call = [HEAD, undefined, { isUnattended: true, publishId: `${deposit.depositId}-0` }];
    assert.deepEqual(calls, [call, call]);
    assert.equal((await told(taskId, 'review.decided')).length, 1);
    assert.deepEqual(await told(taskId, 'unattended.ended'), [{ type: 'unattended.ended', reason: 'used' }]);
  });

  it('pass over the turn that they saw, and none that came meanwhile', async () => {
    const { taskId, turnId, deposit } = await armed();
    assert.equal(deposit.lastTurn, turnId);
    await ended(taskId, 'second');
    await deposits.passOver(deposit);
    assert.deepEqual(await deposits.due(HOST), [{ ...deposit, lastTurn: 'second' }]);
    await deposits.passOver({ ...deposit, lastTurn: 'second' });
    assert.deepEqual(await deposits.due(HOST), []);
  });

  it('know nothing of a task that is worked on meanwhile', async () => {
    const { taskId, deposit } = await armed();
    const meanwhile = (work: () => Promise<unknown>) =>
      claim({ ...deps, changes: () => work().then(() => [FILE]) }, deposit);
    assert.equal(await meanwhile(() => propose(taskId, 2)), 'not-now', 'the person edited');
    const active = (turnId: string | null) =>
      own.pool.query('UPDATE handoff.tasks SET active_turn = $1', [turnId]);
    assert.equal(await meanwhile(() => active('third')), 'not-now', 'the person sent a message');
    await active(null);
    assert.equal(typeof (await claim(deps, deposit)), 'object');
  });

  it('destroy it where the person opened the pull request themselves, and take none while it is open', async () => {
    const first = await armed();
    const look = createOpener(deps);
    await open(first.taskId);
    await look();
    const detail = 'The pull request was opened by hand';
    const ending = { type: 'unattended.ended', reason: 'cancelled', detail };
    assert.deepEqual(await told(first.taskId, 'unattended.ended'), [ending]);
    await assert.rejects(arm(first.taskId), {
      code: 'conflict',
      message: 'Pull request #7 of this task is open already.',
    });
    assert.deepEqual(await deposits.find(first.taskId), undefined);

    const second = await armed();
    const late = { ...deps, changes: () => open(second.taskId).then(() => [FILE]) };
    assert.equal(await claim(late, second.deposit), 'not-now');
    const words = { ...ending, detail: 'Pull request #7 is open already' };
    assert.deepEqual(await told(second.taskId, 'unattended.ended', 'review.decided'), [words]);

    const status = { number: 7, url: URL, isDraft: false, headCommit: BASE, checks: [], comments: [] };
    await append(second.taskId, {
      key: 'merged',
      event: { type: 'pull_request.changed', status: { ...status, state: 'merged' } },
    });
    await arm(second.taskId);
    assert.deepEqual(await deposits.over(), [], 'that pull request is over');
  });

  it('wait while the person opens the pull request', async () => {
    const { taskId, deposit } = await armed();
    await append(taskId, {
      key: 'attended:started',
      event: { type: 'publish.started', publishId: 'attended', branch: 'x', acceptedTree: HEAD },
    });
    assert.equal(await claim(deps, deposit), 'not-now');
  });

  it('is left once where it is left twice at the same time, and anew where its time is over', async () => {
    const { taskId } = await task();
    await Promise.all([arm(taskId), arm(taskId), arm(taskId)]);
    now += 2 * 3_600_000;
    const { until } = await arm(taskId);
    const { depositId: _id, ...kept } = (await deposits.find(taskId)) ?? assert.fail();
    const plan = { uncommitted: 'leave-out', draft: true };
    assert.deepEqual(kept, { taskId, plan, until, attempt: 0, publishId: null, accepted: null });
    const reasons = (await log.read(taskId, 0)).flatMap((event) =>
      event.type === 'unattended.ended' ? [event.reason] : [],
    );
    assert.deepEqual(reasons, ['cancelled', 'cancelled', 'expired']);
  });

  it('opens with as much of a long text as there is room for, and the notice', async () => {
    const { taskId, turnId } = await armed();
    const body = 'x'.repeat(60_000);
    await append(taskId, {
      key: 'described',
      event: { type: 'changes.described', turnId, title: 'T', body },
    });
    const bodies: (string | undefined)[] = [];
    const publish: OpenerDeps['publishing']['publish'] = async (_id, command, _token, options) => {
      bodies.push(OpenPullRequest.parse(command).body);
      return published(command, options);
    };
    await createOpener({ ...deps, publishing: { publish } })();
    await end(taskId);
    assert.equal(bodies[0]?.length, 60_000);
    assert.match(bodies[0] ?? '', /^x+\n\n_Opened by Handoff .* has no checks of its own .*_$/);
  });

  it('is destroyed, with a word, where it fails again and again and nobody knows why', async () => {
    const { taskId } = await armed();
    await own.pool.query('UPDATE handoff.deposits SET attempt = 4');
    const publish = async () => Promise.reject(new Error('a fault of ours'));
    await createOpener({ ...deps, publishing: { publish } })();
    await end(taskId);
    const detail = 'Something unexpected failed in the relay. Try again; the relay log has the details';
    const ending = { type: 'unattended.ended', reason: 'failed', detail };
    assert.deepEqual(await told(taskId, 'unattended.ended'), [ending]);
  });

  it('is destroyed in time also where that fails for another task', async () => {
    for (let n = 0; n < 3; n++) await arm((await task()).taskId);
    now += 2 * 3_600_000;
    let failing: string | undefined;
    const failsOnce: HoldTask = (taskId, work) => {
      failing ??= taskId;
      return taskId === failing ? Promise.reject(new Error('of one task')) : hold(taskId, work);
    };
    await createOpener({ ...deps, hold: failsOnce })();
    const { rows } = await own.pool.query('SELECT task_id FROM handoff.deposits');
    assert.deepEqual(rows, [{ task_id: failing }]);
  });
});
