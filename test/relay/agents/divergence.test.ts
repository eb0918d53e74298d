import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventOf } from '../../../server/protocol/events.ts';
import { blobOf } from '../../../server/repo/blob-of.ts';
import { beganWith, call, child, did, found, lastSaid, task } from '../../fakes/model/agents.ts';
import type { ChatRequest } from '../../fakes/model/request.ts';
import type { Watch } from '../turn/watch.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

const HEAD =
  '[How things stand as you are asked. Nobody says this to you; it is brought up to date for each of your answers.]';
const marks = (...lines: string[]): string =>
  `# What no longer holds\nLook again before you rely on these:\n${lines.map((line) => `- ${line}`).join('\n')}`;
const append = (path: string, text: string) => call('bash', { command: `echo '${text}' >>${path}` });
const staled = (watched: Watch): unknown[] =>
  watched.events
    .filter((event): event is EventOf<'fact.staled'> => event.type === 'fact.staled')
    .map(({ agentId, path, by }) => [short(agentId), path, short(by)]);
const short = (id: string): string => id.slice(id.indexOf(':') + 1);

describe('what an explorer found', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());
  const last = (prompt: string): ChatRequest | undefined =>
    workshop.model.requests.filter((request) => beganWith(request, prompt)).at(-1);

  it('is marked as soon as somebody changes its file, for all who may rest on it', async () => {
    const changed = Promise.withResolvers<void>();
    workshop = await openWorkshop([
      child('Look', found('Title', 'README.md', 1), found('None', 'README.md')),
      child(
        'Patient',
        async () => {
          await changed.promise;
          return { toolCalls: [append('patient.txt', 'done')] };
        },
        did('Waited.'),
      ),
      child('Quick', { toolCalls: [append('README.md', 'quick')] }, did('Changed.')),
      {
        steps: [
          { toolCalls: [task('Look')] },
          { toolCalls: [append('package.json', ' ')] },
          {
            toolCalls: [task('Quick', { role: 'executor' }), task('Patient', { role: 'executor' })],
          },
          { text: 'All are back.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Do it');
    const watched = workshop.watch(taskId);
    await watched.until('agent.merged');
    changed.resolve();
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');

    const { turnId } = await watched.until('turn.started');
    const fact = await watched.until('fact.staled');
    const blob = blobOf(await readFile(join(workshop.repo, 'README.md')));
    const { files } = await workshop.client.changes(taskId);
    const now = files.find(({ path }) => path === 'README.md')?.newOid;
    const { seq: _seq, at, ...told } = fact;
    assert.deepEqual(told, {
      type: 'fact.staled',
      turnId,
      agentId: `${turnId}:m1c0`,
      path: 'README.md',
      blob,
      now,
      by: `${turnId}:m3c0`,
    });
    const mark = 'README.md:1 (found by “Look”) was changed since by the subagent m3c0';
    assert.equal(last('Do it')?.messages.at(-1)?.content, `${HEAD}\n\n${marks(mark)}`);
    const nudge = last('Patient')?.messages.find(({ content }) =>
      content.startsWith('What your work'),
    )?.content;
    assert.equal(
      nudge,
      `What your work may rest on holds no more. In your colleague's workspace, not in your copy of it:\n- ${mark}\nLook whether your plan still stands; what you and others change in the same lines will be in conflict.`,
    );
    const [turn] = (await workshop.client.getTask(taskId)).turns;
    const [card] = (turn?.items ?? []).flatMap((item) =>
      item.kind === 'tool' && item.agent ? [item.agent] : [],
    );
    assert.deepEqual(card?.facts, [
      { path: 'README.md', startLine: 1, endLine: 1, blob, stale: { by: `${turnId}:m3c0`, blob: now, at } },
    ]);
  });

  it('is what it read: where a colleague changed that meanwhile, its report is taken once it has read it again', async () => {
    const [looked, merged] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const reading = { toolCalls: [call('read', { path: 'README.md' })] };
    workshop = await openWorkshop([
      child(
        'Look',
        reading,
        async () => {
          looked.resolve();
          await merged.promise;
          const evidence = [{ path: 'README.md', startLine: 1, endLine: 1 }];
          return { toolCalls: [call('report', { summary: 'Title.', answer: 'Title', evidence })] };
        },
        reading,
        found('New title', 'README.md', 1),
      ),
      child(
        'Part',
        async () => {
          await looked.promise;
          return { toolCalls: [call('bash', { command: "sed -i '1s/$/ changed/' README.md" })] };
        },
        did('Changed.'),
      ),
      { steps: [{ toolCalls: [task('Look'), task('Part', { role: 'executor' })] }, { text: 'Done.' }] },
    ]);
    const taskId = await workshop.delegate('Do it');
    const watched = workshop.watch(taskId);
    await watched.until('agent.merged');
    merged.resolve();
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    assert.deepEqual(
      last('Look')
        ?.messages.filter(({ role, content }) => role === 'tool' && !content.startsWith('1: '))
        .map(({ content }) => content),
      [
        'The report is not taken, for some evidence is not there: README.md has changed since you looked at it, read it again. Look again, and report once more.',
      ],
    );
    const { files } = await workshop.client.changes(taskId);
    const ended = await watched.until('agent.ended', ({ result }) => result?.kind === 'explorer');
    assert.deepEqual(ended.result?.kind === 'explorer' && ended.result.evidence, [
      { path: 'README.md', startLine: 1, endLine: 1, blob: files[0]?.newOid },
    ]);
    assert.deepEqual(staled(watched), []);
  });

  it('is marked where its own parent, the lead or an executor, changes it, and after the turn’s end', async () => {
    workshop = await openWorkshop([
      child('Look', found('Title', 'README.md', 1)),
      child('Look inside', found('Name', 'package.json', 1, 2)),
      child(
        'Part',
        { toolCalls: [task('Look inside')] },
        { toolCalls: [append('package.json', ' ')] },
        { toolCalls: [call('glob', { pattern: '*' })] },
        did('Changed.'),
      ),
      {
        steps: [
          { toolCalls: [task('Look'), task('Part', { role: 'executor' })] },
          { toolCalls: [call('bash', { command: 'rm README.md' })] },
          { text: 'Done.' },
          { text: 'Still done.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Do it');
    const watched = workshop.watch(taskId);
    await watched.until('turn.ended');
    const { turnId } = await watched.until('turn.started');
    assert.deepEqual(staled(watched), [
      ['m1c1:m1c0', 'package.json', 'm1c1'],
      ['m1c0', 'README.md', turnId],
    ]);
    const inside = 'package.json:1-2 (found by “Look inside”) was changed since by you';
    assert.ok(last('Part')?.messages.at(-1)?.content.includes(marks(inside)));
    const mark = 'README.md:1 (found by “Look”) was deleted since by you';
    assert.equal(last('Do it')?.messages.at(-1)?.content, `${HEAD}\n\n${marks(mark)}`);
  });
});

describe('a reviewer and an executor that fails', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('names changed lines only; and leaves nothing half', async () => {
    const finding = (path: string, line: number) => ({
      ...{ path, startLine: line, endLine: line },
      ...{ severity: 'major', text: 'Not so.' },
    });
    const review = (...findings: object[]) => ({
      toolCalls: [call('report', { summary: 'Read.', findings })],
    });
    const half = child('Half', { toolCalls: [append('half.txt', 'half')] }, { fault: 'status', status: 400 });
    workshop = await openWorkshop([
      child(
        'Review',
        review(finding('README.md', 1), finding('package.json', 1)),
        review(finding('new.txt', 1)),
      ),
      half,
      { ...half, when: (request) => beganWith(request, 'Kept') },
      {
        steps: [
          { toolCalls: [call('write', { path: 'new.txt', content: 'new\n' })] },
          {
            toolCalls: [
              task('Review', { role: 'reviewer' }),
              task('Half', { role: 'executor' }),
              task('Kept', { role: 'executor', keepOnFailure: true }),
            ],
          },
          { text: 'Done.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Do it');
    const watched = workshop.watch(taskId);
    assert.equal((await watched.until('turn.ended')).outcome, 'completed');
    const lead = workshop.model.requests.filter((request) => beganWith(request, 'Do it')).at(-1);
    const [, reviewed, discarded, kept] =
      lead?.messages.filter(({ role }) => role === 'tool').map(({ content }) => content) ?? [];
    assert.equal(reviewed, 'Read.\n\nFindings:\n- new.txt:1 (major): Not so.');
    assert.match(discarded ?? '', /^\[failed\] .* Nothing of what it changed is in the workspace\.$/);
    assert.match(kept ?? '', /^\[failed\] .* What it had changed is kept: half\.txt\.$/);
    const [asked, again] = workshop.model.requests.filter((request) => beganWith(request, 'Review'));
    assert.match(
      asked?.messages.at(1)?.content ?? '',
      /^Review\n\n# What was changed\n\ndiff --git new\.txt new\.txt\n/,
    );
    assert.equal(
      lastSaid(again)?.startsWith(
        'The report is not taken, for some findings are not on changed lines. README.md:1-1: that file was not changed; package.json:1-1: that file was not changed.',
      ),
      true,
    );
    const { files } = await workshop.client.changes(taskId);
    assert.deepEqual(files.map(({ path }) => path).sort(), ['half.txt', 'new.txt']);
  });
});
