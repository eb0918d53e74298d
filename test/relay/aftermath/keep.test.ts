import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withDatabase } from '../turn/database.ts';
import { call, configured, openRoom, type Room, written } from './room.ts';

const HANG = 'echo begun; while :; do sleep 0.02; done';

describe('what a turn left', function () {
  this.timeout(60_000);
  let room: Room;
  afterEach(() => room.close());

  it('is in the proposal although the person stopped it, and nobody waited for that', async () => {
    room = await openRoom([
      { steps: [call('bash', { command: `echo kept > kept.md; ${HANG} & echo started; ${HANG}` })] },
    ]);
    const taskId = await room.delegate('Write');
    const watched = room.watch(taskId);
    await watched.until('tool.output');
    await room.client.stop(taskId);
    const [told] = await room.receiver.count(1);
    assert.deepEqual([told?.body?.outcome, told?.body?.changedFiles], ['stopped', 1]);
    const { files, revision } = await room.client.changes(taskId);
    assert.deepEqual([files.map(({ path }) => path), revision], [['kept.md'], 1]);
  });

  it('is in the proposal when nobody ran the turn that was stopped', async () => {
    const sneaky =
      '(while [ ! -e ~/asked ]; do sleep 0.02; done; echo late > late.md; touch ~/late) &>/dev/null &';
    room = await openRoom([
      {
        steps: [
          call('bash', { command: sneaky }),
          call('ask_user', { question: 'Which?', options: [{ label: 'This' }] }),
        ],
      },
    ]);
    const taskId = await room.delegate('Ask');
    const watched = room.watch(taskId);
    await watched.until('turn.parked');
    await writeFile(join(await room.home(), 'asked'), '');
    await written(join(await room.workspace(), 'late.md'));
    await room.client.stop(taskId);
    const [told] = await room.receiver.count(1);
    assert.deepEqual([told?.body?.outcome, told?.body?.changedFiles], ['stopped', 1]);
    const { models } = await room.client.usage();
    const [used] = models;
    assert.deepEqual([used?.model, used?.turns], ['fake-model', 1]);
    assert.ok((used?.inputTokens ?? 0) > 0, 'its calls are booked although nobody added them up');
  });

  it('is left to the next turn where that has begun already', async () => {
    room = await openRoom([
      {
        steps: [
          call('bash', { command: `echo first > first.md; ${HANG}` }),
          call('bash', { command: 'echo second > second.md' }),
          { text: 'Done.' },
        ],
      },
    ]);
    const taskId = await room.delegate('Write');
    const watched = room.watch(taskId);
    await watched.until('tool.output');
    await room.client.stop(taskId);
    await watched.until('turn.ended');
    const second = await room.say(taskId, 'Rather this');
    await watched.until('turn.ended', ({ turnId }) => turnId === second);
    const { files, revision } = await room.client.changes(taskId);
    assert.deepEqual(
      files.map(({ path }) => path),
      ['first.md', 'second.md'],
    );
    const revisions = watched.events.flatMap((event) =>
      event.type === 'proposal.changed' ? [event.revision] : [],
    );
    assert.deepEqual(
      revisions,
      Array.from({ length: revision }, (_, index) => index + 1),
    );
  });

  it('is looked after by a later relay where the one that ended the turn died right then', async () => {
    room = await openRoom([{ steps: [...configured({ tests: 'true' }), { text: 'Done.' }] }]);
    const taskId = await room.delegate('Write');
    await room.receiver.count(1);
    const { turns } = await room.client.getTask(taskId);
    const turnId = turns[0]?.turnId ?? '';
    await room.kill();
    // As if nothing had followed yet: Postgres outlives the relay.
    await withDatabase(room.data, async (client) => {
      await client.query('DELETE FROM handoff.usage');
      await client.query('UPDATE handoff.turns SET aftermath_due = true WHERE turn_id = $1', [turnId]);
      for (const table of ['operation_outputs', 'workflow_status'])
        await client.query(`DELETE FROM dbos.${table} WHERE workflow_uuid LIKE 'aftermath:%'`);
      await client.query(`DELETE FROM handoff.events WHERE type LIKE 'check.%'`);
      await client.query(
        `WITH gapless AS (SELECT task_id, seq, row_number() OVER (ORDER BY seq) AS place FROM handoff.events)
         UPDATE handoff.events e SET seq = place FROM gapless g WHERE g.task_id = e.task_id AND g.seq = e.seq`,
      );
      await client.query('UPDATE handoff.tasks SET seq = (SELECT max(seq) FROM handoff.events)');
    });
    await room.start();
    const told = await room.receiver.count(2);
    assert.deepEqual(told[1], told[0]);
    assert.deepEqual(await room.checks(taskId), [
      { name: 'tests', command: 'true', outcome: 'passed', output: '' },
    ]);
    assert.deepEqual(
      (await room.client.usage()).models.map(({ model, turns: n }) => [model, n]),
      [['fake-model', 1]],
    );
  });
});
