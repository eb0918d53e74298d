import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { MODE_NOTES } from '../../../server/agent/plan-mode.ts';
import { call, child, did, task } from '../../fakes/model/agents.ts';
import { byMessage } from '../workspace/by-message.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const bash = (command: string) => ({ toolCalls: [call('bash', { command })] });
const CLIMBING = `printf '[submodule "../../x"]\\n\\tpath = x\\n\\turl = https://x.example/\\n' >.gitmodules; echo one >a.txt`;

const MESSAGE = 'Git refuses a file .gitmodules: disallowed submodule name.';
const NEXT =
  'Mend or remove it, wherever in the workspace it is; until then nothing of the work can be proposed.';
const TOLD = `What you changed could not be brought home. ${MESSAGE} ${NEXT}`;

describe('a file that Git refuses', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  /** Has the agent do what it does at that message. */
  async function delegated(message: string) {
    workshop = await openWorkshop(
      byMessage({
        Stumble: [bash(CLIMBING), bash('echo two >b.txt'), bash('rm .gitmodules'), { text: 'Mended.' }],
        Insist: [bash(CLIMBING), { text: 'Done.' }, { text: 'It is done.' }, { text: 'Really.' }],
        Mend: [bash('rm .gitmodules; ls -A; cat README.md'), { text: 'Mended.' }],
        Look: [bash('ls -A; cat README.md'), { text: 'I see.' }],
        [`Plan\n\n${MODE_NOTES.plan}`]: [bash('ls -A'), { text: 'There is nothing to plan.' }],
      }),
    );
    const taskId = await workshop.delegate(message);
    const watched = workshop.watch(taskId);
    const { turnId, outcome, error } = await watched.until('turn.ended');
    const told = watched.events.flatMap((event) => (event.type === 'agent.nudged' ? [event.text] : []));
    const proposed = async () => (await workshop.client.changes(taskId)).files.map(({ path }) => path).sort();
    /** What the agent reads in the turn that begins with that message, and how that ends. */
    const say = async (text: string, mode?: 'plan') => {
      const next = await workshop.client.sendMessage(taskId, {
        clientId: randomUUID(),
        text,
        ...(mode ? { mode } : {}),
      });
      const ended = await watched.until('turn.ended', (event) => event.turnId === next.turnId);
      const read = watched.events.findLast((event) => event.type === 'tool.finished');
      return { outcome: ended.outcome, read: read?.type === 'tool.finished' ? read.output : '' };
    };
    return { taskId, turnId, first: { outcome, error, told }, proposed, say };
  }

  it('is the agent’s to mend: it is told, and nothing is lost', async () => {
    const { first, proposed } = await delegated('Stumble');
    assert.deepEqual(first, { outcome: 'completed', error: undefined, told: [TOLD] });
    assert.deepEqual(await proposed(), ['a.txt', 'b.txt']);
  });

  const FAILED = {
    outcome: 'failed',
    error: { code: 'files_refused', message: MESSAGE, nextAction: NEXT },
    told: [TOLD, TOLD],
  };

  it('fails a turn that leaves it, by its name, and the next one goes on, also where the person has edited meanwhile', async () => {
    const { taskId, first, proposed, say } = await delegated('Insist');
    assert.deepEqual(first, FAILED);
    const content = Buffer.from('Mine.\n').toString('base64');
    await workshop.client.editProposal(taskId, { revision: 0, path: 'README.md', content });
    assert.equal((await say('Mend')).outcome, 'completed');
    assert.deepEqual(await proposed(), ['README.md', 'a.txt']);
    const { outcome, read } = await say('Look');
    assert.deepEqual(
      [outcome, read.endsWith('\nMine.'), read.includes('.gitmodules')],
      ['completed', true, false],
    );
  });

  it('is an executor’s to mend before its report counts: all of its work would be lost by it', async () => {
    workshop = await openWorkshop([
      child('Build', bash(CLIMBING), did('Built.'), bash('rm .gitmodules'), did('Built, and mended.')),
      { steps: [{ toolCalls: [task('Build', { role: 'executor' })] }, { text: 'It is built.' }] },
    ]);
    const watched = workshop.watch(await workshop.delegate('Have it built'));
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    const read = watched.events.flatMap((event) =>
      event.type === 'tool.finished' && event.name !== 'bash' ? [event.output] : [],
    );
    assert.deepEqual(read, [
      `The report is not taken. ${MESSAGE} ${NEXT} Then report once more.`,
      'Reported.',
      'Built, and mended.\n\nChanged:\n- a.txt\n\nIt ran no checks.',
    ]);
  });

  it('keeps a shell that may only look from running, for it could not be put back', async () => {
    const { first, say } = await delegated('Insist');
    assert.deepEqual(first, FAILED);
    assert.deepEqual(await say('Plan', 'plan'), {
      // Nobody has mended it: nothing is proposed of what is there.
      outcome: 'failed',
      read: `This was not run, for what it changed could not be put back. ${MESSAGE} Look with read, glob and grep, and tell of this.`,
    });
  });

  it('is gone once the task is rolled back to before it', async () => {
    const { taskId, turnId, first, proposed, say } = await delegated('Insist');
    assert.deepEqual(first, FAILED);
    await workshop.client.rollBack(taskId, { clientId: randomUUID(), turnId });
    const { outcome, read } = await say('Look');
    assert.deepEqual(
      [outcome, read.includes('README.md'), read.includes('.gitmodules'), read.includes('a.txt')],
      ['completed', true, false, false],
    );
    assert.deepEqual(await proposed(), []);
  });
});
