import type { Place } from './place.ts';

/** A repository of the kind that tools break, and what a person and an agent do to it. */
export interface Nasty {
  name: string;
  /** What is committed. */
  base(place: Place): void | Promise<void>;
  /** What the person has not committed. */
  work?(place: Place): void | Promise<void>;
  /** What the agent runs, in the sandbox; and the test, to know what must come of it. */
  agent: string;
  /** Paths that no review shows, so that they stay as they are in the base whatever the agent does. */
  unseen?: string[];
}

const lines = (count: number, text: (line: number) => string): string =>
  Array.from({ length: count }, (_, line) => `${text(line)}\n`).join('');

/** Every byte that there is, NUL included. */
const BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

const LFS_POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'4d'.repeat(32)}\nsize 12345\n`;

/** As far as a file system and Git take them. */
const NAMES = [
  ...[
    '-rf',
    '--help',
    ':(glob)*',
    ':!a',
    '*.txt',
    '[a-z]',
    '?',
    'a b',
    ' leading',
    'trailing ',
    'line\nbreak',
  ],
  ...[
    'tab\there',
    'quo"te',
    "it's",
    'back\\slash',
    '$(touch x)',
    '`id`',
    '#hash',
    'C:drive',
    '%41',
    '~',
    '!bang',
  ],
  ...[
    'HEAD',
    'refs/heads/main',
    'CON',
    'a;b',
    'a|b',
    'a&b',
    '{a,b}',
    '\u0001control',
    '\u{1F600}',
    '\u202Ertl',
  ],
  ...[
    'cafe\u0301',
    'caf\u00e9',
    '\u65e5\u672c\u8a9e',
    'Case',
    'case',
    '__proto__',
    'constructor',
    'null',
    '-',
  ],
  ...[`long-${'x'.repeat(250)}`, `${'deep/'.repeat(60)}file`, '.hidden', '...', '@', 'a'.repeat(40)],
];

export const NASTY: Nasty[] = [
  {
    name: 'ends of line, encodings and final newlines',
    base(place) {
      place.write('.gitattributes', '* text=auto eol=crlf\n*.u16 working-tree-encoding=UTF-16\n*.id ident\n');
      place.write('crlf', 'one\r\ntwo\r\nthree\r\n');
      place.write('mixed', 'one\r\ntwo\nthree\rfour\r\r\nfive\n');
      place.write('old-mac', 'one\rtwo\rthree\r');
      place.write('bom', '\ufeffone\ntwo\n');
      place.write('le.u16', Buffer.from('\ufeffeins\nzwei\n', 'utf16le'));
      place.write('be.u16', Buffer.from('\ufeffeins\nzwei\n', 'utf16le').swap16());
      place.write('latin1', Buffer.from('caf\u00e9\ngr\u00f6\u00dfe\n', 'latin1'));
      place.write('no-newline', 'one\ntwo');
      place.write('newline', 'one\ntwo\n');
      place.write('empty', '');
      place.write('emptied', 'full\n');
      place.write('only-newline', '\n');
      place.write('keyword.id', '$Id$\n');
      place.write('bytes', BYTES);
      place.write('nul-late', `${'text\n'.repeat(3000)}\0`);
      place.write('untouched-crlf', 'stay\r\n');
    },
    agent: `sed -i 's/two/TWO/' crlf mixed newline no-newline bom
      printf 'one\\rZWEI\\rthree\\r' > old-mac
      printf '\\ndrei' >> no-newline
      printf 'one\\ntwo' > newline.new && mv newline.new newline
      printf 'filled' > empty; : > emptied; : > only-newline
      printf '\\377\\376d\\000' > le.u16; printf '\\000\\n' >> be.u16
      printf 'tea\\351\\n' >> latin1; printf '$Id: mine $\\n' >> keyword.id
      printf '\\000\\377' >> bytes; printf 'more\\n' >> nul-late
      printf 'new\\r\\nwith\\nboth' > new-mixed; printf '\\357\\273\\277' > only-bom`,
  },
  {
    name: 'modes, links, and one in place of the other',
    base(place) {
      place.write('run', '#!/bin/sh\necho run\n', 0o755);
      place.write('plain', 'plain\ntext\n');
      place.write(
        'both',
        lines(30, (line) => `line ${line}`),
      );
      place.link('link', 'plain');
      place.link('dangling', 'nowhere/at/all');
      place.link('outside', '/etc/passwd');
      place.link('loop', 'loop');
      place.link('folder-link', 'folder');
      place.write('folder/inner', 'inner\n');
      place.write('becomes-link', 'a file\n');
      place.link('becomes-file', 'plain');
      place.link('odd-target', 'a\nb -> "c"');
    },
    agent: `chmod -x run; chmod +x plain
      chmod +x both; sed -i '3s/$/ first/; 25s/$/ second/' both
      ln -sfn /etc/shadow outside; ln -sfn ../../../../etc link; rm dangling
      ln -sfn loop2 loop; ln -s loop loop2
      rm becomes-link; ln -s 'folder' becomes-link
      rm becomes-file; printf 'now a file\\n' > becomes-file
      printf 'through the link\\n' >> folder-link/inner
      ln -sfn "$(printf 'x\\ny')" odd-target; ln -s '' empty-link 2>/dev/null || true`,
  },
  {
    name: 'files in place of folders, and folders in place of files',
    base(place) {
      place.write('file', 'a file\n');
      place.write('folder/one', 'one\n');
      place.write('folder/sub/two', 'two\n');
      place.write('deep/a/b/c', 'c\n');
      place.write('a', 'sorted before a/b by name\n');
      place.write('a.b', 'between\n');
      place.link('link', 'folder');
    },
    agent: `rm file && mkdir file && printf 'in it\\n' > file/inner
      rm -r folder && printf 'now a file\\n' > folder
      rm -r deep/a && printf 'now a file\\n' > deep/a
      rm a && mkdir -p a/b && printf 'below\\n' > a/b/c
      rm link && mkdir link && printf 'was a link\\n' > link/x`,
  },
  {
    name: 'hostile names',
    base(place) {
      for (const name of NAMES)
        place.write(
          name,
          lines(5, (line) => `${line} of it`),
        );
    },
    work(place) {
      for (const name of ['-rf', 'line\nbreak', 'caf\u00e9'])
        place.write(name, 'the person was here\n0 of it\n');
      for (const name of ['new\n-rf', ':(top)new', 'new\\']) place.write(name, 'new\n');
      place.remove('*.txt');
    },
    agent: `find . -name .git -prune -o -type f -exec sh -c 'for f; do printf "more\\n" >> "$f"; done' sh {} +
      rm -- ./-rf; mv -- './back\\slash' "$(printf 'moved\\n\\047"\\\\ x')"; printf 'x' > "$(printf 'agent\\t\\001')"`,
  },
  {
    name: 'names that are not UTF-8',
    base(place) {
      place.write(Buffer.from('caf\xe9.txt', 'latin1'), 'latin1 name\n');
      place.write(Buffer.from('\xff\xfe/inner', 'latin1'), 'below\n');
      place.write('plain', 'plain\n');
    },
    agent: `printf 'more\\n' >> plain; printf 'unseen\\n' >> "$(printf 'caf\\351.txt')"; printf 'x' > "$(printf 'new\\377')"`,
    unseen: ['caf\xe9.txt', 'new\xff'],
  },
  {
    name: 'submodules, one of which moved on, and a pointer to large content',
    async base(place) {
      place.write('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
      place.write('.gitmodules', '[submodule "lib"]\n\tpath = lib\n\turl = https://example.com/lib.git\n');
      place.write('art/big.bin', LFS_POINTER);
      place.write('code', 'code\n');
      for (const name of ['lib', 'deep/other', 'gone']) {
        await place.run(`mkdir -p ${name}`);
        await place.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},${name}`);
      }
    },
    async work(place) {
      await place.git('update-index', '--cacheinfo', `160000,${'2'.repeat(40)},lib`);
      await place.git('rm', '-q', '--cached', 'gone');
      place.write('.gitmodules', '[submodule "lib"]\n\tpath = lib\n\turl = https://example.com/new.git\n');
    },
    agent: `printf 'more\\n' >> code; sed -i 's/12345/54321/' art/big.bin; printf 'not kept\\n' > lib/inside
      printf '\\tbranch = main\\n' >> .gitmodules`,
  },
  {
    name: 'files that tell Git something',
    base(place) {
      place.write('.gitignore', '*.log\n/build/\n!keep.log\n');
      place.write('keep.log', 'kept\n');
      place.write('build.txt', 'text\n');
      place.write('.gitattributes', '*.dat binary\n*.sh text eol=lf\nsecret export-ignore\n');
      place.write('sub/.gitattributes', '* -diff\n');
      place.write('sub/a', 'a\n');
      place.write('x.dat', 'looks like text\n');
      place.write('y.sh', 'echo\r\n');
      place.write('.mailmap', 'A <a@b>\n');
      place.write('.gitkeep', '');
      place.write('ignored.log', 'committed although ignored\n');
    },
    agent: `printf '*.txt\\n' >> .gitignore; printf 'changed\\n' >> build.txt; printf 'new\\n' > new.txt
      printf 'more\\r\\n' >> ignored.log; printf 'a\\r\\n' >> y.sh; printf 'b\\n' >> sub/a; printf 'more' >> x.dat
      mkdir build; printf 'out\\n' > build/out; printf '* text=auto eol=crlf\\n' > .gitattributes; printf 'x\\n' > z.sh`,
  },
  {
    name: '10,000 changed lines',
    base(place) {
      place.write(
        'scattered',
        lines(20_000, (line) => `line ${line}`),
      );
      place.write(
        'rewritten',
        lines(12_000, (line) => `old ${line}`),
      );
      place.write(
        'hunks',
        lines(9_000, (line) => `line ${line}`),
      );
      place.write('repeated', 'same\n'.repeat(10_000));
    },
    agent: `awk 'NR % 2 { print $0 " changed"; next } { print }' scattered > t && mv t scattered
      awk '{ print "new " NR }' rewritten > t && mv t rewritten
      awk 'NR % 10 == 0 { print $0 " changed"; next } { print }' hunks > t && mv t hunks
      awk 'NR % 100 == 0 { print "other" } { print }' repeated > t && mv t repeated`,
  },
  {
    name: '300 files',
    base(place) {
      for (let file = 0; file < 300; file++)
        place.write(
          `src/${file % 17}/file-${file}.txt`,
          lines(40, (line) => `${file}:${line}`),
        );
    },
    work(place) {
      for (let file = 0; file < 300; file += 7)
        place.write(`src/${file % 17}/file-${file}.txt`, `mine ${file}\n`);
      place.remove('src/16');
    },
    agent: `for f in src/*/*.txt; do sed -i '2s/$/ top/; 20d; 38s/$/ bottom/' "$f"; done
      for n in $(seq 1 50); do mkdir -p made/$n; printf "made $n" > made/$n/f; done; rm src/1/*`,
  },
];
