import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';
import { call, commitFiles, lastOf } from './library.ts';

const SKILL = '---\nname: release\ndescription: How a release is made\n---\nTag it, then push.\n';
const LESSON = { what: 'Tests need node 20', why: 'they use node:test', do: 'Run them with node --test' };
const BULLET = '- Tests need node 20: they use node:test. Run them with node --test.';

describe('what a repository tells its agents', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  it('is read from where the task began: skills, commands, and what of it is wrong, which fails nothing', async () => {
    workshop = await openWorkshop([
      {
        steps: [
          call('skill', { name: 'release' }),
          call('skill', { name: 'nothing' }),
          { text: 'Released.' },
          { text: 'Shipped.' },
        ],
      },
    ]);
    const commit = await commitFiles(
      workshop,
      {
        '.handoff/skills/release/SKILL.md': SKILL,
        '.handoff/skills/release/tags.md': 'v1',
        '.handoff/skills/latin/SKILL.md': Buffer.from([0xe9, 0xff]),
        '.handoff/agents/huge.md': 'x'.repeat(70_000),
        '.claude/commands/ship.md': 'Ship $ARGUMENTS.',
        'lessons-learned.md': '- Old: true. Know it.\n',
      },
      { '.claude/skills/evil/SKILL.md': '/etc/passwd' },
    );
    const taskId = await workshop.delegate('/ship it', undefined, { commit });
    const watched = workshop.watch(taskId);
    const { turnId } = await watched.until('turn.ended');

    const [first, second, third] = workshop.model.requests;
    const [system, ...said] = first?.messages ?? [];
    assert.ok(
      system?.content?.endsWith(
        '# What was learned here before (lessons-learned.md)\n\n- Old: true. Know it.\n\n# Skills\n\nRead one with the tool skill before you do such work.\n- release: How a release is made\n',
      ),
      system?.content?.slice(-300),
    );
    assert.deepEqual(
      said.map(({ content }) => content),
      ['Ship it.'],
    );
    assert.ok(first?.tools.includes('skill'));
    assert.equal(
      lastOf(second, 'tool'),
      'The skill release, in .handoff/skills/release:\n\nTag it, then push.\n\nFiles of this skill, for read or bash:\n- .handoff/skills/release/tags.md',
    );
    assert.equal(lastOf(third, 'tool'), 'There is no skill nothing. The skills are: release.');

    assert.deepEqual(
      (await workshop.client.commands(taskId)).commands.map(({ name, source }) => [name, source]),
      [
        ['init', 'handoff'],
        ['plan', 'handoff'],
        ['review', 'handoff'],
        ['ship', 'repository'],
      ],
    );

    const { turns } = await workshop.client.getTask(taskId);
    const notices = turns[0]?.items.flatMap((item) => (item.kind === 'notice' ? [item.text] : []));
    assert.deepEqual(notices, [
      '.handoff/agents/huge.md is not used: it is larger than 65536 bytes.',
      '.handoff/skills/latin/SKILL.md is not used: it is not UTF-8 text.',
      '.claude/skills/evil/SKILL.md is not used: it is not a plain file.',
    ]);
    const typed = turns[0]?.items.find((item) => item.kind === 'user');
    assert.equal(typed?.kind === 'user' && typed.text, '/ship it', 'the chat shows what was typed');

    await workshop.client.sendMessage(taskId, { clientId: randomUUID(), text: '/ship again' });
    await watched.until('turn.ended', (event) => event.turnId !== turnId);
    const last = workshop.model.requests.at(-1);
    assert.deepEqual(
      last?.messages.filter(({ role }) => role === 'user').map(({ content }) => content),
      ['Ship it.', 'Ship again.'],
    );
    assert.equal(last?.messages[0]?.content, system?.content, 'every request begins the same');
    assert.deepEqual(
      (await watched.caughtUp()).filter(({ type }) => type === 'environment.noted').length,
      3,
      'what is wrong is told once',
    );
  });

  it('is small where a repository tells nothing; /init asks for an AGENTS.md', async () => {
    workshop = await openWorkshop([{ steps: [{ text: 'Done.' }] }]);
    const taskId = await workshop.delegate('/init with care');
    await workshop.watch(taskId).until('turn.ended');
    const [request] = workshop.model.requests;
    const text = lastOf(request, 'user') ?? '';
    assert.ok(text.startsWith('Write AGENTS.md for this repository'), text.slice(0, 100));
    assert.ok(text.endsWith('\n\nwith care'));
    assert.ok(!request?.tools.includes('skill'));
  });

  it('is added to by a lesson, once, which is proposed as any other change', async () => {
    workshop = await openWorkshop([
      {
        steps: [
          call('lesson', LESSON),
          call('lesson', { ...LESSON, what: 'tests NEED Node 20!' }),
          call('edit', { path: 'lessons-learned.md', oldText: 'Run them', newText: 'Always run them' }),
          { text: 'Learned.' },
        ],
      },
    ]);
    const taskId = await workshop.delegate('Learn');
    await workshop.watch(taskId).until('turn.ended');
    const results = workshop.model.requests.at(-1)?.messages.filter(({ role }) => role === 'tool');
    assert.deepEqual(results?.map(({ content }) => content).slice(0, 2), [
      `Added to lessons-learned.md:\n${BULLET}`,
      `lessons-learned.md has this lesson already, so nothing was added:\n${BULLET}`,
    ]);
    assert.doesNotMatch(results?.[2]?.content ?? '', /^[A-Z]\w+:/, 'what it wrote it knows');
    const { files } = await workshop.client.changes(taskId);
    assert.deepEqual(
      files.map(({ path, status, hunks }) => [path, status, hunks.length]),
      [['lessons-learned.md', 'added', 1]],
    );
    assert.equal(
      await readFile(join(await workshop.workspace(), 'lessons-learned.md'), 'utf8'),
      `# Lessons learned\nOne bullet a lesson: what happens, why, what to do. Newest last.\n\n${BULLET.replace('Run them', 'Always run them')}\n`,
    );
  });
});
