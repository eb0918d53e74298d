import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';
import { call } from './library.ts';

const NOTE =
  '[Plan mode: look, think, and change nothing. Put your plan to the person with propose_plan; until they approve it, whatever changes something is refused.]';

describe('plan mode', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('changes nothing until the person approves the plan, who may have it changed, and across the death of the relay', async () => {
    workshop = await openWorkshop([
      {
        steps: [
          call('write', { path: 'new.md', content: 'too early' }),
          call('bash', { command: 'echo too early > new.md' }),
          call('propose_plan', { plan: '1. Write **new.md**' }),
          call('write', { path: 'new.md', content: 'still too early' }),
          call('propose_plan', { plan: '1. Write new.md\n2. Say so' }),
          call('write', { path: 'new.md', content: 'now\n' }),
          call('propose_plan', { plan: 'More' }),
          { text: 'Done.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('/plan a new file');
    const watched = workshop.watch(taskId);
    const asked = await watched.until('question.asked');
    assert.deepEqual(
      [asked.question, asked.options, asked.freeText, asked.about],
      ['1. Write **new.md**', [{ label: 'Approve', description: 'The agent carries it out.' }], true, 'plan'],
    );
    await watched.until('turn.parked');
    assert.equal((await workshop.client.getTask(taskId)).turns[0]?.mode, 'plan');
    const { questionId } = asked;
    await workshop.client.answer(taskId, { questionId, answer: { kind: 'text', text: 'And say so' } });
    const again = await watched.until('question.asked', (event) => event.questionId !== questionId);
    await watched.until('turn.parked', (event) => event.seq > again.seq);
    assert.equal((await workshop.client.getTask(taskId)).proposal, undefined, 'nothing is proposed so far');

    await workshop.kill();
    await workshop.start();
    const approval = { questionId: again.questionId, answer: { kind: 'choice' as const, label: 'Approve' } };
    await workshop.client.answer(taskId, approval);
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');

    const last = workshop.model.requests.at(-1);
    assert.deepEqual(
      last?.messages.filter(({ role }) => role === 'user' || role === 'tool').map(({ content }) => content),
      [
        `/plan a new file\n\n${NOTE}`,
        'PlanMode: write can change something, and the person wants to approve a plan first. Look with read, glob, grep and bash, whose changes are put back; then call propose_plan.',
        '[no output, exit code 0]\n[You may only look. What this changed was put back: new.md]',
        'The person wants the plan changed, and has not approved it. They say: And say so\nPropose it again.',
        'PlanMode: write can change something, and the person wants to approve a plan first. Look with read, glob, grep and bash, whose changes are put back; then call propose_plan.',
        'The person approved the plan. Carry it out: plan mode is over.',
        'Wrote new.md: 1 lines, 4 bytes.',
        'NotPlanMode: the person asked for the work and not for a plan. Do it.',
      ],
    );
    const tools = workshop.model.requests.map((request) => JSON.stringify(request.tools));
    assert.equal(new Set(tools).size, 1, 'every request offers the same tools');
    const { turns, proposal } = await workshop.client.getTask(taskId);
    assert.deepEqual([turns[0]?.mode, proposal?.files.map(({ path }) => path)], ['act', ['new.md']]);
    assert.equal((await watched.caughtUp()).filter(({ type }) => type === 'mode.changed').length, 1);
  });

  it('is wished for and taken back with messages, and an end without a plan is objected to once', async () => {
    workshop = await openWorkshop([
      { steps: [{ text: 'Nothing to plan.' }, { text: 'Really nothing.' }, { text: 'As you like.' }] },
    ]);
    const source = { url: `file://${workshop.repo}`, commit: workshop.commit, branch: 'main' };
    const { taskId } = await workshop.client.createTask({
      clientId: randomUUID(),
      prompt: 'Think',
      source,
      mode: 'plan',
    });
    const watched = workshop.watch(taskId);
    const { turnId } = await watched.until('turn.ended');
    await workshop.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Then do it', mode: 'act' });
    await watched.until('turn.ended', (event) => event.turnId !== turnId);
    const last = workshop.model.requests.at(-1);
    assert.deepEqual(
      last?.messages.filter(({ role }) => role !== 'system').map(({ content }) => content),
      [
        `Think\n\n${NOTE}`,
        'Nothing to plan.',
        'The person asked for a plan and you ended without one. Propose it with propose_plan; if there is nothing to plan, say why, and end.',
        'Really nothing.',
        'Then do it\n\n[Plan mode is over: work on this at once.]',
      ],
    );
    await workshop.client.archive(taskId);
  });
});
