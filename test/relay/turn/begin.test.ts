import assert from 'node:assert/strict';
import { call } from '../../fakes/model/agents.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const GATE = 'while [ ! -e gate ]; do sleep 0.02; done';
const shell = (command: string) => ({ toolCalls: [call('bash', { command })] });

describe('a shell that only looks, asked for while what was changed before is captured', function () {
  this.timeout(90_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  // Whoever goes on with a killed turn takes what has begun for a word that all before it is captured.
  it('has begun only once that is told', async () => {
    workshop = await openWorkshop([
      {
        steps: [
          shell(`for i in $(seq 3000); do echo $i >file$i; done; ${GATE}`),
          shell('ls | wc -l'),
          { text: 'This is what I would do.' },
        ],
        otherwise: () => ({ text: 'There is nothing to plan.' }),
      },
    ]);
    const taskId = await workshop.delegate('Make many files');
    const watched = workshop.watch(taskId);
    await watched.until('tool.started');
    await workshop.client.sendMessage(taskId, { clientId: 'plan-first', text: 'Plan first', mode: 'plan' });
    await workshop.openGate();
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    const told = watched.events.flatMap((event) =>
      event.type === 'proposal.changed' || event.type === 'tool.started' ? [event.type] : [],
    );
    assert.deepEqual(told, ['tool.started', 'proposal.changed', 'tool.started']);
  });
});
