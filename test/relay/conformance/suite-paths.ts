import assert from 'node:assert/strict';
import { request, shell, texts } from '../sandbox/support/local.ts';
import { machineFor, type Topic } from './fixture.ts';

const HOSTILE: Array<[what: string, name: string]> = [
  ['a newline', 'new\nline.txt'],
  ['quotes', `it's "quoted".txt`],
  ['a leading dash', '-rf.txt'],
  ['a leading double dash', '--help.txt'],
  ['spaces at both ends', '  spaces .txt '],
  ['what a shell expands', '$(id) `id` $HOME *?[a] ~ {a,b} ;&|<>.txt'],
  ['a backslash and a tab', 'back\\slash\ttab.txt'],
  ['control characters', 'bell\u0007 escape\u001b[31m return\r.txt'],
  ['another script, and what needs two units', 'größe 文件 🚀.txt'],
  ['an accent composed, and decomposed', 'e\u0301 é.txt'],
  ['three dots', '...'],
  ['a colon and a percent sign', 'C:%2e%2e%00.txt'],
  ['the most bytes that a name may have', `${'n'.repeat(251)}.txt`],
];

/** Names, and where they lead. */
export const paths: Topic = (fixture) => {
  const machine = machineFor(fixture);
  const write = (path: string, text: string) => machine().writeFile({ path, data: Buffer.from(text) });
  const read = async (path: string) => String(Buffer.from((await machine().readFile(path)).data));

  for (const [what, name] of HOSTILE) {
    it(`may have ${what}`, async () => {
      const path = `hostile/${name}`;
      await write(path, `of ${name}`);
      const byCommand = await machine().exec(request(['cat', '--', name], { cwd: 'hostile' }));
      const found = await machine().grep({ pattern: '^of ', path, limit: 2 });
      const { matches } = await machine().glob({ pattern: '**', path: 'hostile', limit: 100 });
      assert.deepEqual(
        {
          read: await read(path),
          byCommand: texts(byCommand).out,
          found: found.matches.map((match) => match.path),
          listed: matches.includes(path),
        },
        { read: `of ${name}`, byCommand: `of ${name}`, found: [path], listed: true },
      );
    });
  }

  it('that are no text are left to commands, and do not disturb the others', async () => {
    await shell(
      machine(),
      `mkdir raw; cd raw; echo needle > "$(printf 'bad\\xff\\xfe.txt')"; echo needle > good.txt`,
    );
    assert.deepEqual(await machine().glob({ pattern: 'raw/*', limit: 10 }), {
      matches: ['raw/good.txt'],
      truncated: false,
    });
    assert.deepEqual((await machine().grep({ pattern: 'needle', path: 'raw', limit: 10 })).matches, [
      { path: 'raw/good.txt', line: 1, text: 'needle' },
    ]);
    const listed = await machine().exec(request(['ls', 'raw']));
    assert.deepEqual(Buffer.from(listed.stdout.head), Buffer.from('bad\xff\xfe.txt\ngood.txt\n', 'latin1'));
  });

  it('that are too long, or have a NUL, are refused', async () => {
    await assert.rejects(write('n'.repeat(256), 'x'), { code: 'failed' });
    await assert.rejects(read(Array.from({ length: 3_000 }, () => 'ab').join('/')), { code: 'failed' });
    await assert.rejects(read('a\0b'), { code: 'failed' });
    await assert.rejects(write('a\0b', 'x'), { code: 'failed' });
    await assert.rejects(machine().glob({ pattern: '*', path: 'a\0b', limit: 1 }), { code: 'failed' });
  });

  it('are followed through links that stay inside, which stay links', async () => {
    await shell(
      machine(),
      'mkdir real; echo old > real/file; ln -s real alias; ln -s "$PWD/real/file" direct; ln -s alias/made made',
    );
    await write('alias/file', 'new');
    await write('direct', 'newer');
    await write('made', 'at the end of a link to nothing');
    const { out } = await shell(machine(), 'cat real/file; readlink alias direct made; cat real/made');
    const links = `real\n${machine().workdir}/real/file\nalias/made\n`;
    assert.equal(out, `newer${links}at the end of a link to nothing`);
  });

  it('that go round in circles lead nowhere', async () => {
    await shell(machine(), 'ln -s round about; ln -s about round; ln -s . self');
    await assert.rejects(read('round'), { code: 'not-found' });
    await assert.rejects(write('about/x', 'x'), { code: 'not-found' });
    await write('self/self/self/here.txt', 'found');
    assert.equal(await read('here.txt'), 'found');
  });

  describe('that lead out of the workspace', () => {
    const ways: Array<[name: string, path: (home: string, workdir: string) => string]> = [
      ['by ".."', (home) => `..${home}/secret`],
      ['by ".." in the middle', (home) => `folder/../..${home}/secret`],
      ['by an absolute path', () => '/etc/passwd'],
      ['by a name that begins like the workspace', (_home, workdir) => `${workdir}-other/x`],
      ['through a link to a file', () => 'link-file'],
      ['through a link to a folder', () => 'link-folder/secret'],
      ['through a link to nothing that is there', () => 'link-nowhere'],
      ['through a chain of links', () => 'link-chain/secret'],
      ['through a link with ".."', () => 'link-up/x'],
      ['through /proc', () => 'link-proc/root/etc/passwd'],
    ];
    let home = '';
    before(async () => {
      await shell(
        machine(),
        `ln -s /etc/passwd link-file; ln -s ~ link-folder; ln -s ~/not-there link-nowhere; mkdir -p folder
         ln -s link-folder link-chain; ln -s .. link-up; ln -s /proc/self link-proc; printf secret > ~/secret`,
      );
      home = (await shell(machine(), 'printf %s "$HOME"')).out;
    });
    for (const [name, way] of ways) {
      it(`are neither read, written nor searched: ${name}`, async () => {
        const path = way(home, machine().workdir);
        const refused = { code: 'outside-workspace' };
        await assert.rejects(read(path), refused);
        await assert.rejects(write(path, 'overwritten'), refused);
        await assert.rejects(machine().glob({ pattern: '*', path, limit: 10 }), refused);
        await assert.rejects(machine().grep({ pattern: '.', path, limit: 10 }), refused);
      });
    }
    it('are not followed by a search of what is inside', async () => {
      const { matches } = await machine().glob({ pattern: 'link-*/**', limit: 10 });
      const found = await machine().grep({ pattern: '^secret$', limit: 10 });
      assert.deepEqual([matches, found.matches], [[], []]);
    });
    it('have left everything there as it was', async () => {
      assert.equal(
        (await shell(machine(), 'cat ~/secret; [ -e ~/not-there ] || echo " alone"')).out,
        'secret alone\n',
      );
    });
  });

  it('are checked and used at once: a folder that turns into a link meanwhile leads nowhere else', async () => {
    await shell(machine(), 'mkdir race; printf inside > race/x; printf secret > ~/x; ln -sfn ~ decoy');
    const script = 'echo go; while :; do mv race r2; mv decoy race; mv race decoy; mv r2 race; done';
    const racing = machine().exec(request(['bash', '-c', script], { execId: 'race' }));
    const outcomes = new Set<string>();
    for (let round = 0; round < 300; round += 1)
      outcomes.add(await read('race/x').catch((error) => error.code));
    await machine().killAll('race');
    await racing;
    assert.equal(outcomes.has('secret'), false);
  });
};
