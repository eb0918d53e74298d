import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentCard } from '../../../server/protocol/agents.ts';
import type { EventOf, TaskEvent } from '../../../server/protocol/events.ts';
import { blobOf } from '../../../server/repo/blob-of.ts';
import { beganWith, call, child, did, found, task } from '../../fakes/model/agents.ts';
import { withDatabase } from '../turn/database.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

const shell = (command: string) => ({ toolCalls: [call('bash', { command })] });
const isAnswer = (event: TaskEvent): event is EventOf<'model.answered'> => event.type === 'model.answered';
const tokensOf = (answers: readonly EventOf<'model.answered'>[]): number =>
  answers.reduce((sum, { usage }) => sum + (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0), 0);

describe('four explorers and two executors at once', function () {
  this.timeout(180_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('come to the right tree, view and ledger, whatever becomes of four of them and of the relay', async () => {
    const [works, wanders, written] = [1, 2, 3].map(() => Promise.withResolvers<void>());
    workshop = await openWorkshop([
      child('Look', shell('echo spoilt >README.md; echo spoilt >new.txt'), found('Title', 'README.md', 1)),
      child('Hang', { fault: 'hang' }),
      child('Spend', shell('ls'), found('Too late', 'README.md')),
      child('Chat', { text: 'It is in README.md.' }, { text: 'As I said.' }),
      child(
        'Work',
        shell('echo one >one.txt; mkdir -p node_modules; echo 1 >node_modules/x'),
        async () => {
          works?.resolve();
          await written?.promise;
          return shell('echo two >>one.txt; rm package.json');
        },
        did('Done.'),
      ),
      child('Wander', shell('echo half >half.txt; rm README.md'), () => {
        wanders?.resolve();
        return { fault: 'hang' };
      }),
      {
        steps: [
          {
            toolCalls: [
              task('Look'),
              task('Hang', { limits: { seconds: 12 } }),
              task('Spend', { limits: { modelCalls: 1 } }),
              task('Chat'),
              task('Work', { role: 'executor' }),
              task('Wander', { role: 'executor' }),
            ],
          },
          shell('cat one.txt; ls'),
          { text: 'All are back.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Do it');
    const watched = workshop.watch(taskId);
    const { turnId } = await watched.until('turn.started');
    const agent = (n: number): string => `${turnId}:m1c${n}`;
    // Each has begun, and asks again.
    await Promise.all([works?.promise, wanders?.promise]);
    await workshop.kill();
    await workshop.start();
    assert.deepEqual(await workshop.client.stopAgent(taskId, agent(5)), { stopped: true });
    written?.resolve();
    const ended = await watched.until('turn.ended');
    assert.equal(ended.outcome, 'completed');

    // What the lead reads.
    const last = workshop.model.requests.filter((request) => beganWith(request, 'Do it')).at(-1);
    assert.deepEqual(
      last?.messages.filter(({ role }) => role === 'tool').map(({ content }) => content),
      [
        'Title found.\n\nTitle\n\nEvidence:\n- README.md:1',
        '[out of time] It did not come to an end within its time.',
        '[over its budget] It has made all of its 1 model calls.',
        '[no report] It handed up no valid report, also after it was told what was wrong.',
        'Done.\n\nChanged:\n- one.txt\n- package.json\n\nIt ran no checks.',
        '[stopped by the person] Nothing of what it changed is in the workspace.',
        'one\ntwo\nAGENTS.md\nREADME.md\ndata\none.txt\nsrc\ntest',
      ],
    );
    const looked = workshop.model.requests.filter((request) => beganWith(request, 'Look')).at(-1);
    assert.equal(
      looked?.messages.find(({ role }) => role === 'tool')?.content,
      '[no output, exit code 0]\n[You may only look. What this changed was put back: README.md, new.txt]',
    );

    // The tree, of the proposal and of the workspace.
    const { files, headTree } = await workshop.client.changes(taskId);
    assert.deepEqual(files.map(({ path, status }) => [path, status]).sort(), [
      ['one.txt', 'added'],
      ['package.json', 'deleted'],
    ]);
    const state = await workshop.client.getTask(taskId);
    assert.deepEqual([state.workspaceTree, state.proposal?.headTree], [headTree, headTree]);

    // The view.
    const [turn] = state.turns;
    const cards = (turn?.items ?? []).flatMap((item) =>
      item.kind === 'tool' && item.agent ? [item.agent] : [],
    );
    const blob = blobOf(await readFile(join(workshop.repo, 'README.md')));
    const shown = ({ kind, outcome, merged, facts, modelCalls }: AgentCard): unknown[] => [
      ...[kind, outcome, modelCalls, merged?.changed, merged?.isDiscarded, facts],
    ];
    const fact = { path: 'README.md', startLine: 1, endLine: 1, blob };
    assert.deepEqual(cards.map(shown), [
      ['explorer', 'completed', 2, undefined, undefined, [fact]],
      ['explorer', 'timed_out', 0, undefined, undefined, []],
      ['explorer', 'over_budget', 1, undefined, undefined, []],
      ['explorer', 'invalid', 2, undefined, undefined, []],
      ['executor', 'completed', 3, ['one.txt', 'package.json'], false, []],
      ['executor', 'stopped', 1, ['README.md', 'half.txt'], true, []],
    ]);

    // The ledger: each answer counts once, for whoever gave it and for the turn.
    const answers = (await watched.caughtUp()).filter(isAnswer);
    const { inputTokens = 0, outputTokens = 0 } = ended.usage;
    assert.equal(inputTokens + outputTokens, tokensOf(answers));
    assert.deepEqual(
      cards.map(({ tokens }) => tokens),
      cards.map(({ agentId }) => tokensOf(answers.filter((event) => event.agentId === agentId))),
    );
    assert.equal(answers.length, 3 + 2 + 1 + 2 + 3 + 1);

    // And nothing is left of their machines.
    const left = await withDatabase(workshop.data, async (client) => {
      const { rows } = await client.query('SELECT agent_id FROM handoff.forks');
      return { rows, origins: (await client.query('SELECT origin_id FROM handoff.fork_origins')).rows };
    });
    assert.deepEqual(left, { rows: [], origins: [] });
    const machines = (await readdir(join(workshop.data, 'sandboxes'))).filter((name) =>
      name.startsWith('t-'),
    );
    assert.equal(machines.length, 1);
  });
});
