import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import { call, openRoom, type Room } from '../aftermath/room.ts';

const TWENTY = Array.from({ length: 20 }, (_, index) => `line ${index + 1}\n`);
const LOOK = { command: 'cat notes.md mine.md; git status --short; ls' };
/** Writes two files; then, in the next turn, looks at what is there and writes a third. */
const STEPS = [
  call('write', { path: 'notes.md', content: TWENTY.join('') }),
  call('write', { path: 'mine.md', content: 'the agent’s\n' }),
  call('bash', { command: `sed -i 's/^name/NAME/; $s/$/ /' package.json; chmod +x README.md` }),
  { text: 'Done.' },
  call('bash', LOOK),
  call('write', { path: 'more.md', content: 'more\n' }),
  { text: 'Done again.' },
];

describe('a turn that follows a review', function () {
  this.timeout(90_000);
  let room: Room;
  afterEach(() => room.close());

  /** The first turn, and what the person then makes of it. */
  async function reviewed(env: Record<string, string> = {}) {
    room = await openRoom([{ steps: STEPS }], env);
    const taskId = await room.delegate('Write');
    const watched = room.watch(taskId);
    await watched.until('turn.ended');
    const { revision, files } = await room.client.changes(taskId);
    const readme = files.find(({ path }) => path === 'README.md');
    await room.client.patchReview(taskId, {
      revision,
      decisions: [
        { path: 'package.json', hashes: 'all', state: 'rejected' },
        { path: 'README.md', hashes: [String(readme?.whole)], state: 'rejected' },
        { path: 'notes.md', hashes: 'all', state: 'accepted' },
      ],
    });
    const content = Buffer.from(['first\n', ...TWENTY.slice(1)].join('')).toString('base64');
    const { headTree } = await room.client.editProposal(taskId, { revision, path: 'notes.md', content });
    return { taskId, watched, headTree };
  }

  /** What the agent reads in its second turn before it does anything. */
  const told = (): string[] => {
    const asked = room.model.requests.map(({ messages }) =>
      messages.flatMap(({ role, content }) =>
        role === 'user' && !content.startsWith('[The machine') ? [content] : [],
      ),
    );
    return asked.find((said) => said.includes('Go on')) ?? [];
  };

  const TOLD = [
    '<user_edits>',
    'The person has changed the workspace since you worked last. Do not undo this, and do not redo what they took out: build on it.',
    [
      'They rejected these changes of yours, and they are out of the files (lines as you had them):',
      '"README.md", the change as a whole',
      '"package.json", line 13\n-}\n+} ',
    ].join('\n\n'),
    [
      'They edited the files themselves, from what you left to what is there now:',
      [
        'diff --git notes.md notes.md',
        'index 1 2',
        '--- notes.md',
        '+++ notes.md',
        '@@ -1,4 +1,4 @@',
        '-line 1',
        '+first',
        ' line 2',
        ' line 3',
        ' line 4',
      ].join('\n'),
    ].join('\n\n'),
    '</user_edits>',
  ].join('\n\n');
  const plain = (text: string): string => text.replace(/index \w+\.\.\w+ 100644/, 'index 1 2');

  async function goesOn({ taskId, watched, headTree }: Awaited<ReturnType<typeof reviewed>>) {
    const second = await room.say(taskId, 'Go on');
    const ended = await watched.until('turn.ended', ({ turnId }) => turnId === second);
    assert.equal(ended.outcome, 'completed');
    const [looked] = watched.events.filter(
      (event) => event.type === 'tool.finished' && event.turnId === second,
    );
    const seen = looked?.type === 'tool.finished' ? looked.output : '';
    assert.equal(
      seen,
      `first\n${TWENTY.slice(1).join('')}the agent’s\n?? mine.md\n?? notes.md\nAGENTS.md\nREADME.md\ndata\nmine.md\nnotes.md\npackage.json\nsrc\ntest`,
    );
    assert.deepEqual(told().map(plain), ['Write', 'Go on', TOLD]);
    const of = (types: TaskEvent['type'][]) =>
      watched.events.filter(
        (event) => 'turnId' in event && event.turnId === second && types.includes(event.type),
      );
    assert.deepEqual(
      of(['workspace.set', 'review.told', 'message.delivered']).map(({ type }) => type),
      ['message.delivered', 'workspace.set', 'review.told'],
    );
    const state = await room.client.getTask(taskId);
    assert.equal(state.workspaceTree, state.proposal?.headTree);
    assert.deepEqual(
      state.proposal?.files.map(({ path }) => path),
      ['mine.md', 'more.md', 'notes.md'],
    );
    const authors = watched.events.flatMap((event) =>
      event.type === 'proposal.changed' && event.seq > ended.seq - 1000 ? [event.by ?? 'agent'] : [],
    );
    assert.deepEqual(authors.slice(-3), ['person', 'person', 'agent']);
    const edited = watched.events.find((event) => event.type === 'proposal.changed' && event.by === 'person');
    assert.equal(edited?.type === 'proposal.changed' && edited.headTree, headTree);
  }

  it('works on what the person left of the proposal, and is told what they took out and edited', async () => {
    await goesOn(await reviewed());
  });

  it('does so in a machine that slept meanwhile, and nothing that is kept of it swallows the edit', async () => {
    const review = await reviewed({ HANDOFF_IDLE_MINUTES: '0.01' });
    await review.watched.until('sandbox.changed', ({ state }) => state === 'hibernated');
    assert.equal((await room.client.getTask(review.taskId)).proposal?.headTree, review.headTree);
    await goesOn(review);
  });

  it('does so in a machine that was made anew', async () => {
    const review = await reviewed({ HANDOFF_IDLE_MINUTES: '0.01' });
    await review.watched.until('sandbox.changed', ({ state }) => state === 'hibernated');
    await rm(join(await room.workspace(), '..'), { recursive: true, force: true });
    await goesOn(review);
  });

  it('says nothing, and costs nothing, where nothing was rejected or edited', async () => {
    room = await openRoom([{ steps: STEPS }]);
    const taskId = await room.delegate('Write');
    const watched = room.watch(taskId);
    await watched.until('turn.ended');
    await room.client.patchReview(taskId, {
      revision: (await room.client.changes(taskId)).revision,
      decisions: [{ path: 'notes.md', hashes: 'all', state: 'accepted' }],
    });
    const second = await room.say(taskId, 'Go on');
    await watched.until('turn.ended', ({ turnId }) => turnId === second);
    assert.deepEqual(told(), ['Write', 'Go on']);
    assert.deepEqual(
      watched.events.filter(({ type }) => type === 'workspace.set' || type === 'review.told'),
      [],
    );
  });
});
