import assert from 'node:assert/strict';
import { keptOfTask } from '../../../server/cli/commands/tasks-kept.ts';
import { RelayError } from '../../../server/protocol/client.ts';
import { keptWork } from '../../../server/protocol/kept-work.ts';
import { call, child, did, task } from '../../fakes/model/agents.ts';
import { recordTerminal } from '../../unit/cli/terminal.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

const shell = (command: string) => ({ toolCalls: [call('bash', { command })] });

const IN_BOTH = '<<<<<<< the proposal\nMine\n=======\nIts own\n>>>>>>> the work that was kept\n';

describe('work of an executor that its parent’s workspace does not take', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('is kept whole, and comes into the review when the person says so, once', async () => {
    workshop = await openWorkshop([
      // Only in its own copy does the folder take files again.
      child('Build', shell('chmod u+w src; echo built >src/built.txt; echo Its own >new.md'), did('Built.')),
      {
        steps: [
          shell('chmod a-w src'),
          { toolCalls: [task('Build', { role: 'executor' })] },
          shell('chmod u+w src; echo Mine >new.md'),
          { text: 'It did not come home.' },
          shell('cat new.md src/built.txt'),
          { text: 'Now it is here.' },
        ],
      },
    ]);
    const { client } = workshop;
    const taskId = await workshop.delegate('Have it built');
    const watched = workshop.watch(taskId);
    const { turnId } = await watched.until('turn.ended');
    const state = await client.getTask(taskId);
    const proposed = async () => {
      const { revision, files } = await client.changes(taskId);
      return { revision, paths: files.map(({ path }) => path).sort() };
    };
    const { revision } = await proposed();
    assert.deepEqual(await proposed(), { revision, paths: ['new.md'] });

    const say = async (...rest: string[]) => {
      const terminal = recordTerminal();
      const code = await keptOfTask(async () => client, [taskId, ...rest], { json: false }, terminal);
      return { code, ...terminal.written };
    };
    const [work, ...others] = keptWork(state);
    assert.deepEqual([work?.outcome, work?.error?.code, others], ['failed', 'sandbox_unavailable', []]);
    assert.deepEqual(await say(), {
      code: 0,
      out: `1  Build: ${work?.error?.message}\n     new.md\n     src/built.txt\n\nBring one into the review with: npm start -- tasks kept ${taskId} NUMBER\n`,
      err: '',
    });

    const conflict = '! new.md: in conflict; look for conflict markers there\n';
    assert.deepEqual(await say('1'), {
      code: 1,
      out: '',
      err: `${conflict}It is in revision ${revision + 1} of the proposal; see npm start -- tasks review ${taskId}\n`,
    });
    assert.deepEqual(await proposed(), { revision: revision + 1, paths: ['new.md', 'src/built.txt'] });
    assert.deepEqual(await say('1'), {
      code: 1,
      out: '',
      err: `${conflict}Nothing was changed: the conflicts of an earlier time are not resolved.\n`,
    });
    await assert.rejects(
      client.bringIn(taskId, `${turnId}:m1c0`),
      (error) => error instanceof RelayError && error.code === 'not_found',
    );

    // The agent goes on with it.
    const next = await client.sendMessage(taskId, { clientId: 'going-on', text: 'Go on' });
    const isNext = (event: { turnId?: string }): boolean => event.turnId === next.turnId;
    const read = await watched.until('tool.finished', isNext);
    assert.equal(read.output, `${IN_BOTH}built`);
    assert.equal((await watched.until('turn.ended', isNext)).outcome, 'completed');
    assert.deepEqual((await proposed()).paths, ['new.md', 'src/built.txt']);
  });
});
