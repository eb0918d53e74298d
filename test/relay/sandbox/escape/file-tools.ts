import assert from 'node:assert/strict';
import { SandboxError } from '../../../../server/sandbox/sandbox.ts';
import { request } from '../support/local.ts';
import { type Check, codeOf, SECRET } from './stage.ts';

/** How often something is tried while a command changes what it is tried on. */
const RACES = 200;
/** Milliseconds for a command to begin changing it. */
const RACE_PATIENCE = 20_000;

/** Attempts to get out by the file tools that the relay itself uses. */
export const FILE_TOOL_CHECKS: Check[] = [
  {
    name: 'reading out of the workspace by the file tools: dots, links, links to links, links of folders',
    async run({ hostile, secretFile, sh }) {
      await sh(
        `ln -s ${secretFile} link-host; ln -s /etc/passwd link-inside; ln -s /etc link-folder; ln -s link-inside link-chain; ln -s /proc/self/root link-root; ln -s ../etc link-dots; mkdir -p deep; ln -s ../../etc deep/up; ln -s /proc/self/environ link-environ`,
      );
      const paths = [
        ...['../etc/passwd', '/etc/passwd', '/workspace/../etc/passwd', 'deep/../../etc/passwd', 'link-host'],
        ...[
          'link-inside',
          'link-folder/passwd',
          'link-chain',
          'link-root/etc/passwd',
          'link-dots/passwd',
          'deep/up/passwd',
        ],
        ...['link-environ', '/proc/self/environ', '/proc/2/environ', '/workspacex', secretFile],
      ];
      const codes = await Promise.all(paths.map((path) => codeOf(hostile.readFile(path))));
      assert.deepEqual(
        codes,
        paths.map(() => 'outside-workspace'),
      );
    },
  },
  {
    name: 'writing out of the workspace by the file tools',
    async run({ hostile, sh }) {
      await sh(
        'mkdir -p /tmp/outside; echo safe > /tmp/outside/file; ln -s /tmp/outside/file w-file; ln -s /tmp/outside w-folder; ln -s /tmp/outside/new w-new; ln -s /tmp/none w-none',
      );
      const data = Buffer.from('evil');
      const paths = [
        '../tmp/outside/file',
        '/tmp/outside/file',
        'w-file',
        'w-folder/file',
        'w-folder/new',
        'w-new',
        'w-none/x/y',
        '/run/handoff/x',
      ];
      const codes = await Promise.all(paths.map((path) => codeOf(hostile.writeFile({ path, data }))));
      assert.deepEqual(
        codes,
        paths.map(() => 'outside-workspace'),
      );
      assert.equal(
        (await sh('ls /tmp/outside /tmp/none; cat /tmp/outside/file')).out,
        '/tmp/outside:\nfile\nsafe\n',
      );
    },
  },
  {
    name: 'searching out of the workspace by glob and grep',
    async run({ hostile, sh }) {
      await sh(
        'mkdir -p /tmp/searched g; echo needle-outside > /tmp/searched/found; ln -s /tmp/searched g/folder; ln -s /tmp/searched/found g/file',
      );
      const paths = ['..', '/', '/tmp/searched', 'g/folder', 'g/file', 'g/../../tmp'];
      const limit = 10;
      const codes = await Promise.all(
        paths.flatMap((path) => [
          codeOf(hostile.glob({ pattern: '**', path, limit })),
          codeOf(hostile.grep({ pattern: 'needle', path, limit })),
        ]),
      );
      assert.deepEqual(
        codes,
        codes.map(() => 'outside-workspace'),
      );
      // From above, links are not followed.
      assert.deepEqual(await hostile.grep({ pattern: 'needle-outside', limit }), {
        matches: [],
        truncated: false,
      });
      assert.deepEqual(await hostile.glob({ pattern: '**/found', limit }), { matches: [], truncated: false });
    },
  },
  {
    name: 'a pattern or a path that ripgrep takes for a flag',
    async run({ hostile, sh }) {
      await sh(
        'echo "#!/bin/sh\ntouch /workspace/pwned" > pre; chmod +x pre; mkdir -p -- "--pre=." ; echo x > ./--pre=./pre',
      );
      await codeOf(hostile.grep({ pattern: '--pre=/workspace/pre', limit: 5 }));
      await codeOf(hostile.grep({ pattern: 'x', path: '--pre=./pre', limit: 5 }));
      await codeOf(hostile.grep({ pattern: 'x', glob: '--pre=/workspace/pre', limit: 5 }));
      await codeOf(hostile.glob({ pattern: '--pre=/workspace/pre', limit: 5 }));
      assert.equal((await sh('ls pwned')).code, 2);
    },
  },
  {
    name: 'starting a command in a folder of the host',
    async run({ hostile, sh, dataDir }) {
      await sh(`ln -sfn ${dataDir} cwd-link`);
      const codes = await Promise.all(
        [dataDir, 'cwd-link', `../..${dataDir}`].map((cwd) => codeOf(hostile.exec(request(['ls'], { cwd })))),
      );
      assert.deepEqual(codes, ['not-found', 'not-found', 'not-found']);
    },
  },
  {
    name: 'reading and writing by the relay’s scratch files: names with slashes, planted links',
    async run({ hostile, sh }) {
      const data = Buffer.from('bundle');
      const names = ['..', '.', '', '../x', '/etc/passwd', 'a/b', 'a\0b'];
      const codes = await Promise.all(
        names.flatMap((name) => [codeOf(hostile.putScratch(name, data)), codeOf(hostile.getScratch(name))]),
      );
      assert.deepEqual(
        codes,
        codes.map(() => 'failed'),
      );
      await sh(
        'echo safe > target; cd /var/handoff; ln -s /etc/passwd s-read; ln -s /workspace/target s-write; ln -s /workspace/target s-part.part; mkdir s-folder.part',
      );
      assert.notEqual(await codeOf(hostile.getScratch('s-read')), 'none');
      for (const name of ['s-write', 's-part', 's-folder']) await hostile.putScratch(name, data);
      assert.deepEqual(
        [
          await sh('cat target; ls -l /var/handoff/s-write | cut -c1'),
          String(await hostile.getScratch('s-write')),
        ],
        [{ code: 0, out: 'safe\n-\n', err: '' }, 'bundle'],
      );
    },
  },
  {
    name: 'blocking the relay by a scratch file that is a pipe',
    async run({ hostile, sh }) {
      await sh('mkfifo /var/handoff/pipe; mkfifo pipe');
      const [scratch, file] = await Promise.all([
        hostile.getScratch('pipe'),
        codeOf(hostile.readFile('pipe')),
      ]);
      assert.deepEqual([scratch.byteLength, file], [0, 'not-a-file']);
    },
  },
  {
    name: 'reading out of the workspace by a folder that becomes a link between look and use',
    async run({ hostile, sh }) {
      await sh('mkdir -p /tmp/raced; echo stolen > /tmp/raced/f');
      const swapping = hostile.exec(
        request([
          'bash',
          '-c',
          'while [ ! -e stop-reading ]; do rm -rf race; mkdir race; echo inside > race/f; rm -rf race; ln -s /tmp/raced race; done',
        ]),
      );
      const seen = new Set<string>();
      for (const _round of raced(() => seen.has('outside-workspace'))) {
        const content = await hostile.readFile('race/f').then(
          ({ data }) => String(data).trim(),
          (error: unknown) => (error instanceof SandboxError ? error.code : String(error)),
        );
        seen.add(content);
        await hostile.grep({ pattern: 'stolen', path: 'race', limit: 1 }).then(
          ({ matches }) => matches.length > 0 && seen.add('stolen by grep'),
          () => {},
        );
      }
      await hostile.writeFile({ path: 'stop-reading', data: Buffer.alloc(0) });
      await swapping;
      assert.deepEqual(
        [...seen].filter((content) => content.startsWith('stolen')),
        [],
      );
      assert.equal(seen.has('outside-workspace'), true, 'nothing was ever refused: there was no race');
    },
  },
  {
    name: 'writing out of the workspace by a folder that becomes a link between look and use',
    async run({ hostile, sh }) {
      await sh('mkdir -p /tmp/kept');
      const swapping = hostile.exec(
        request([
          'bash',
          '-c',
          'while [ ! -e stop-writing ]; do rm -rf wrace; mkdir wrace; rm -rf wrace; ln -s /tmp/kept wrace; done',
        ]),
      );
      const seen = new Set<string>();
      for (const round of raced(() => seen.has('outside-workspace')))
        seen.add(await codeOf(hostile.writeFile({ path: 'wrace/f', data: Buffer.from(`round ${round}`) })));
      await hostile.writeFile({ path: 'stop-writing', data: Buffer.alloc(0) });
      await swapping;
      assert.equal((await sh('ls -A /tmp/kept')).out, '');
      assert.equal(seen.has('outside-workspace'), true, 'nothing was ever refused: there was no race');
    },
  },
  {
    name: 'the secret itself, by a file tool of the relay that would have looked outside',
    async run({ hostile, sh, secretFile }) {
      await sh(`ln -sfn ${secretFile} leak`);
      const answers = await Promise.all([
        hostile.readFile('leak').then(
          ({ data }) => String(data),
          () => '',
        ),
        hostile.grep({ pattern: 'host-secret', limit: 5 }).then(
          ({ matches }) => matches.map(({ text }) => text).join(),
          () => '',
        ),
      ]);
      assert.deepEqual(
        answers.filter((answer) => answer.includes(SECRET)),
        [],
      );
    },
  },
];

/** Numbers of rounds: so many, and more until both sides of the race were met. */
function* raced(wasRefused: () => boolean): Generator<number> {
  const deadline = Date.now() + RACE_PATIENCE;
  for (let round = 0; round < RACES || (!wasRefused() && Date.now() < deadline); round += 1) yield round;
}
