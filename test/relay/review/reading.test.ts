import assert from 'node:assert/strict';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

const call = (name: string, input: object) => ({ name, arguments: { ...input } });
const edit = (path: string, oldText: string, newText: string, why?: string) =>
  call('edit', { path, oldText, newText, why });

describe('reading a proposal over HTTP', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  after(() => workshop.close());

  it('goes from what is risky to what is not, with the reasons that the agent gave, also after a restart', async () => {
    workshop = await openWorkshop([
      {
        steps: [
          {
            toolCalls: [
              ...['README.md', 'src/stats.js', 'test/stats.test.js'].map((path) => call('read', { path })),
              edit('README.md', '# trip-log', '# Trip log', 'Names are capitalised'),
              edit('README.md', 'there is nothing to install', 'nothing needs installing'),
              edit('src/stats.js', 'count: trips.length', 'count: trips.size', 'Wrong at first'),
              edit('src/stats.js', 'trips.size', 'trips.length + 0', 'It is a list'),
              edit('test/stats.test.js', 'import assert', '// More\nimport assert', 'Covers it'),
              call('bash', { command: 'echo "{}" > package-lock.json' }),
              call('write', { path: 'src/auth.js', content: 'export {};\n', why: 'A place for keys' }),
              call('describe_changes', { title: 'Wrong\nlines', body: '' }),
            ],
          },
          { toolCalls: [call('describe_changes', { title: 'First words', body: 'x' })] },
          { toolCalls: [call('describe_changes', { title: 'Polish', body: '- **all** of it' })] },
          { text: 'Done.' },
        ],
      },
    ]);
    const { client } = workshop;
    const taskId = await workshop.delegate('Polish it');
    const watched = workshop.watch(taskId);
    await watched.until('turn.ended');
    const changes = await client.changes(taskId);
    assert.deepEqual(
      changes.files.map(({ path, risk, generated = false, hunks }) => [
        path,
        risk?.level,
        generated,
        hunks.map(({ reason }) => reason ?? null),
      ]),
      [
        ['src/auth.js', 'high', false, ['A place for keys']],
        ['src/stats.js', 'normal', false, ['It is a list']],
        ['test/stats.test.js', 'low', false, ['Covers it']],
        ['README.md', 'low', false, ['Names are capitalised', null]],
        ['package-lock.json', 'low', true, [null]],
      ],
    );
    const { description } = await client.getTask(taskId);
    assert.deepEqual(description, { title: 'Polish', body: '- **all** of it' });
    const said = watched.events.filter(({ type }) => type === 'changes.described');
    assert.equal(said.length, 2, 'a title of two lines is refused');
    await workshop.kill();
    await workshop.start();
    assert.deepEqual(await client.changes(taskId), changes);
  });
});
