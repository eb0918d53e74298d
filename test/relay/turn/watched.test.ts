import assert from 'node:assert/strict';
import { openWorkshop, type Workshop } from './workshop.ts';

const bash = (command: string) => ({ toolCalls: [{ name: 'bash', arguments: { command } }] });
const call = (name: string, args: Record<string, unknown>) => ({ toolCalls: [{ name, arguments: args }] });

describe('an agent that is watched', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('is told the rules of a folder that it touches, and once that nothing is left of what it wrote, also after a kill', async () => {
    workshop = await openWorkshop([
      {
        steps: [
          bash('mkdir -p part/deep && echo "Write names in full." > part/AGENTS.md && echo x > part/deep/a'),
          call('read', { path: 'part/deep/a' }),
          call('write', { path: 'part/b', content: 'b\n' }),
          bash('rm -r part'),
          { text: 'All is done.' },
          { text: 'Nothing had to be changed.', chunkSize: 4, delayMs: 40 },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Do it');
    const watched = workshop.watch(taskId);
    await watched.until('text.delta', ({ messageId }) => messageId.endsWith(':m6'));
    await workshop.kill();
    await workshop.start();
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');

    const told = watched.events.flatMap((event) => {
      if (event.type === 'rules.found') return [[event.path, event.text]];
      return event.type === 'agent.nudged' ? [[event.reason, event.messageId.split(':')[1]]] : [];
    });
    assert.deepEqual(told, [
      ['part/AGENTS.md', 'Write names in full.'],
      ['no_change', 'm6'],
    ]);
    const said = workshop.model.requests
      .at(-1)
      ?.messages.filter(({ role }) => role === 'user')
      .map(({ content }) => content);
    assert.deepEqual(said?.slice(0, 2), [
      'Do it',
      '[The repository has rules of its own for what is below part (part/AGENTS.md):]\n\nWrite names in full.',
    ]);
    assert.equal(said?.length, 3);
    const { turns } = await workshop.client.getTask(taskId);
    assert.deepEqual(
      turns[0]?.items.flatMap((item) => (item.kind === 'text' ? [item.text] : [])),
      ['All is done.', 'Nothing had to be changed.'],
    );
  });
});
