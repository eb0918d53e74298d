import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Check, fails } from './stage.ts';

const run = promisify(execFile);

/** Attempts to read and write what is not the sandbox's own, by commands. */
export const FILE_CHECKS: Check[] = [
  {
    name: 'a file of the host by its path',
    async run(stage) {
      const { code, out, err } = await stage.sh(`cat ${stage.secretFile}`);
      assert.deepEqual([code, out, /No such file/.test(err)], [1, '', true]);
    },
  },
  {
    name: 'a file of the host below the roots and folders of processes',
    async run(stage) {
      const inside = (at: string): string =>
        `cat ${at}${stage.secretFile} ${at}/../../../../..${stage.secretFile}`;
      const { out } = await stage.sh(
        `for at in /proc/[0-9]*/root /proc/[0-9]*/cwd /proc/[0-9]*/task/*/root; do ${inside('$at')}; done 2>/dev/null; true`,
      );
      assert.equal(out, '');
      assert.equal((await stage.sh('ls /proc/[0-9]*/root/usr/bin/env | wc -l')).out.trim() > '0', true);
    },
  },
  {
    name: 'a file of the host at the paths that the mount table tells',
    async run(stage) {
      const { out } = await stage.sh(
        'for p in $(cut -d" " -f4 /proc/self/mountinfo | sort -u); do cat "$p"/../token "$p"/../../token "$p"/../../../token; done 2>/dev/null; true',
      );
      assert.equal(out, '');
      assert.match((await stage.sh('cut -d" " -f4 /proc/self/mountinfo')).out, /workspace/);
    },
  },
  {
    name: 'a file, folder or disk of the host by an open descriptor of any process',
    async run(stage) {
      const script =
        'for f in /proc/[0-9]*/fd/*; do [ -f "$f" -o -d "$f" -o -b "$f" ] && readlink "$f"; done; true';
      const [listing, supervisor] = await Promise.all([stage.sh(script), stage.sh('ls /proc/2/fd | wc -l')]);
      // Nameless things of the kernel have no path; the record of this very command is the sandbox' own.
      assert.deepEqual(
        listing.out.split('\n').filter((path) => path.startsWith('/') && !path.startsWith('/run/handoff/')),
        [],
      );
      assert.equal(Number(supervisor.out) > 3, true, 'the descriptors of the supervisor can be listed');
    },
  },
  {
    name: 'files of the host by the mapped files of its processes',
    run: (stage) => fails(stage, 'cat /proc/1/map_files/* > /dev/null'),
  },
  {
    name: 'secrets of the host anywhere',
    async run(stage) {
      await fails(stage, 'grep -rl host-secret / --include=token -s');
      await fails(stage, 'cat /etc/shadow');
      await fails(
        stage,
        'ls /root /home/* /var/lib /srv /mnt /media /sys /boot /lost+found 2>/dev/null | grep -v "^/home/agent:" | grep .',
      );
      await fails(
        stage,
        'ls /etc/ssh /etc/ssl/private /etc/sudoers /etc/machine-id /etc/hostname /etc/resolv.conf /etc/environment 2>/dev/null | grep .',
      );
    },
  },
  {
    name: 'writing to files of the host’s toolchain by hard links',
    async run({ py }) {
      assert.equal(
        await py(
          `every({place: attempt(lambda: os.link('/usr/bin/env', place)) for place in ('/workspace/hard', '/tmp/hard', '/home/agent/hard', '/usr/bin/hard')})`,
        ),
        '/workspace/hard=EXDEV /tmp/hard=EXDEV /home/agent/hard=EXDEV /usr/bin/hard=EROFS',
      );
    },
  },
  {
    name: 'writing to files of the host’s toolchain by descriptors opened anew',
    async run({ py }) {
      assert.equal(
        await py(`
fd = os.open('/usr/bin/env', os.O_RDONLY)
folder = os.open('/usr/bin', os.O_RDONLY | os.O_DIRECTORY)
every({
  'again': attempt(lambda: os.open('/proc/self/fd/%d' % fd, os.O_WRONLY)),
  'truncate': attempt(lambda: os.truncate('/proc/self/fd/%d' % fd, 0)),
  'chmod': attempt(lambda: os.chmod('/proc/self/fd/%d' % fd, 0o4755)),
  'beside': attempt(lambda: os.open('evil', os.O_WRONLY | os.O_CREAT, dir_fd=folder)),
  'above': attempt(lambda: os.open('../../../../../etc/evil', os.O_WRONLY | os.O_CREAT, dir_fd=folder))})`),
        'again=EACCES truncate=EACCES chmod=EROFS beside=EROFS above=EROFS',
      );
    },
  },
  {
    name: 'writing anywhere but to its folders',
    async run(stage) {
      const places = [
        '/x',
        '/usr/x',
        '/etc/x',
        '/dev/x',
        '/run/x',
        '/var/x',
        '/home/x',
        '/opt/x',
        '/opt/handoff/x',
        '/bin/x',
        '/proc/x',
        '/run/handoff-net/x',
      ];
      const { out } = await stage.sh(
        `for p in ${places.join(' ')}; do touch $p 2> /dev/null && echo $p; done; true`,
      );
      assert.equal(out, '');
    },
  },
  {
    name: 'setuid files: they give nothing inside, and nobody else gets to them outside',
    async run(stage) {
      await stage.sh('cp /usr/bin/id sid && chmod 6755 sid');
      assert.equal((await stage.sh('./sid -u')).out, '1000\n');
      await fails(stage, 'su -c true root < /dev/null');
      const made = await findOnHost(stage.dataDir, 'sid');
      const { mode, uid } = await fs.stat(made);
      const folder = await fs.stat(dirname(made));
      assert.deepEqual(
        { setuid: (mode & 0o4000) !== 0, owner: ownerOf(uid), folder: folder.mode & 0o777 },
        { setuid: true, owner: 'nobody of importance', folder: 0o700 },
      );
    },
  },
  {
    name: 'files of other users, of other groups, with capabilities',
    async run({ py }) {
      assert.equal(
        await py(`
open('owned', 'w')
every({
  'root': attempt(lambda: os.chown('owned', 0, 0)),
  'nobody': attempt(lambda: os.chown('owned', 65534, -1)),
  'group': attempt(lambda: os.chown('owned', -1, 0)),
  'capability': attempt(lambda: os.setxattr('owned', 'security.capability', bytes.fromhex('0100000200002000000000000000000000000000'))),
  'trusted': attempt(lambda: os.setxattr('owned', 'trusted.overlay.opaque', b'y'))})`),
        'root=EINVAL nobody=EINVAL group=EINVAL capability=EPERM trusted=EPERM',
      );
    },
  },
  {
    name: 'device nodes',
    async run({ py }) {
      assert.equal(
        await py(`
import stat
every({name: attempt(lambda: os.mknod(name, kind | 0o666, os.makedev(*number))) for name, kind, number in (
  ('disk', stat.S_IFBLK, (8, 0)), ('loop', stat.S_IFBLK, (7, 0)), ('mem', stat.S_IFCHR, (1, 1)), ('kmsg', stat.S_IFCHR, (1, 11)), ('null', stat.S_IFCHR, (1, 3)))})`),
        'disk=EPERM loop=EPERM mem=EPERM kmsg=EPERM null=EPERM',
      );
    },
  },
  {
    name: 'devices of the host',
    async run({ sh }) {
      assert.equal(
        (
          await sh(
            'ls /dev | grep -v -x -E "core|fd|full|null|ptmx|pts|random|shm|stderr|stdin|stdout|tty|urandom|zero|console"; ls /dev/pts | grep -v ptmx; true',
          )
        ).out,
        '',
      );
    },
  },
  {
    name: 'the relay’s records of the sandbox',
    async run(stage) {
      await fails(stage, 'cat /workspace/../meta.json || ls /workspace/../lock /workspace/../network.json');
      await fails(
        stage,
        'find / \\( -name process.json -o -name meta.json -path "*sandboxes*" -o -name network.json -o -name "bwrap-*.json" \\) 2>/dev/null | grep .',
      );
    },
  },
];

/** A relay that is root gives its sandboxes a user of their own, of those that belong to nobody; else they run as its own. */
function ownerOf(uid: number): string {
  const self = process.getuid?.();
  return (self === 0 ? uid >= 60_800 && uid < 61_056 : uid === self) ? 'nobody of importance' : String(uid);
}

/** Where a file of a sandbox is on the host, wherever that lays it. Links are not followed. */
async function findOnHost(dataDir: string, name: string): Promise<string> {
  const { stdout } = await run('find', [join(dataDir, 'sandboxes'), '-path', `*/workspace/${name}`]).catch(
    // What it may not enter makes it fail.
    (error: unknown) => error as { stdout: string },
  );
  const [found = ''] = stdout.split('\n');
  assert.notEqual(found, '', `${name} is nowhere on the host`);
  return found;
}
