import assert from 'node:assert/strict';
import { createRelayClient, RelayError } from '../../server/protocol/client.ts';
import { openWorkshop, type Workshop } from './turn/workshop.ts';

const FRIEND = 'the-token-of-a-friend';

describe('repositories of the relay’s own machine', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  before(async () => {
    workshop = await openWorkshop([{ steps: [{ text: 'Done.' }], otherwise: { text: 'More.' } }], {
      HANDOFF_USERS: JSON.stringify({ friend: FRIEND }),
    });
  });
  after(() => workshop.close());

  for (const scheme of ['file://', 'FILE://', 'File:', '\tfi\nle://']) {
    it(`are the owner’s alone, asked for by ${JSON.stringify(scheme)}`, async () => {
      const friend = createRelayClient({ url: workshop.url, token: FRIEND });
      const source = { url: `${scheme}${workshop.repo}`, commit: workshop.commit };
      const codeOf = async (asked: Promise<unknown>): Promise<string> => {
        const error = await asked.then(
          () => assert.fail('it was taken'),
          (error: unknown) => error,
        );
        assert.ok(error instanceof RelayError);
        return error.code;
      };
      const clientId = crypto.randomUUID();
      assert.deepEqual(
        [
          await codeOf(friend.createTask({ clientId, prompt: 'Read it', source })),
          await codeOf(friend.warm({ source })),
        ],
        ['source_not_allowed', 'source_not_allowed'],
      );
    });
  }

  it('are no remote, however they are written', async () => {
    const { client, watch, commit } = workshop;
    const source = { url: `FILE://${workshop.repo}`, commit };
    const { taskId } = await client.createTask({ clientId: crypto.randomUUID(), prompt: 'Work', source });
    await watch(taskId).until('turn.ended');
    const { source: shown } = await client.getTask(taskId);
    await client.archive(taskId);
    assert.deepEqual(shown, { repository: 'repo', commit, overlayFiles: 0 });
  });

  it('that are not there fail the task, and say nothing of a sandbox', async () => {
    const { client, watch, commit } = workshop;
    const source = { url: 'file:///nowhere/at/all', commit };
    const { taskId } = await client.createTask({ clientId: crypto.randomUUID(), prompt: 'Work', source });
    const watched = watch(taskId);
    const { outcome, error } = await watched.until('turn.ended');
    assert.deepEqual([outcome, error?.code], ['failed', 'source_unreadable']);
    const states = watched.events.filter((event) => event.type === 'sandbox.changed');
    assert.deepEqual(
      states.map(({ state }) => state),
      ['provisioning'],
    );
  });
});
