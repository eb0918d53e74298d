import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { captureDeps } from '../../../extension/git/run-git.ts';
import {
  type Capture,
  type CaptureOptions,
  type CapturePreview,
  capturePreview,
  captureSource,
} from '../../../server/protocol/capture.ts';
import type { CaptureDeps } from '../../../server/protocol/capture-git.ts';

const CONFIG = [
  ...['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'init.defaultBranch=main'],
  ...['-c', 'protocol.file.allow=always'],
];

export type PersonsRepository = ReturnType<typeof personsRepository>;

/** A repository of a test's own, captured by the real machine; every capture proves that nothing of the person's has changed. */
export function personsRepository() {
  const root = mkdtempSync(path.join(tmpdir(), 'handoff-test-'));
  const folder = path.join(root, 'repo');
  mkdirSync(folder);
  const temps: string[] = [];
  const real = captureDeps('git');
  const deps: CaptureDeps = {
    ...real,
    makeTempDir: async () => {
      const dir = await real.makeTempDir();
      temps.push(dir);
      return dir;
    },
  };
  const gitIn = (place: string, ...args: string[]): string =>
    execFileSync('git', ['-C', place, ...CONFIG, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();
  const git = (...args: string[]): string => gitIn(folder, ...args);

  async function unharmed<Result>(work: () => Promise<Result>, places: string[] = [folder]): Promise<Result> {
    const before = places.map(fingerprint);
    try {
      return await work();
    } finally {
      assert.deepEqual(places.map(fingerprint), before);
      assert.deepEqual(temps.filter(existsSync), []);
    }
  }

  git('init', '-q', '-b', 'main');
  return {
    root,
    folder,
    deps,
    git,
    gitIn,
    unharmed,
    write(name: string, content: string | Uint8Array): void {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), content);
    },
    remove: (name: string): void => rmSync(path.join(folder, name), { recursive: true }),
    commit(message = 'work'): string {
      git('add', '-A');
      git('commit', '-q', '--allow-empty', '-m', message);
      return git('rev-parse', 'HEAD');
    },
    capture: (options: Partial<CaptureOptions> = {}): Promise<Capture> =>
      unharmed(() => captureSource(deps, { folder, ...options })),
    preview: (): Promise<CapturePreview> => unharmed(() => capturePreview(deps, folder)),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** What a capture lays over the commit: path to mode and text, of a submodule its commit. */
export function readable({ overlay }: Capture['source']): Record<string, [string, string | null]> {
  const text = (content: string | null) => content && Buffer.from(content, 'base64').toString();
  return Object.fromEntries(
    overlay.map((entry) => [
      entry.path,
      [entry.mode, entry.mode === '160000' ? entry.oid : text(entry.content)],
    ]),
  );
}

/**
 * Every file below, the `.git` folder included: its mode, when it was written, and a hash of its content. Folders have no time here, for locks
 * come and go in them; nor have objects and shared indexes, whose time Git renews where it meets or reads them, so that they are not collected.
 */
export function fingerprint(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (place: Buffer): void => {
    for (const entry of readdirSync(place, 'buffer')) {
      const file = Buffer.concat([place, Buffer.from('/'), entry]);
      const name = file.toString('latin1');
      const info = lstatSync(file, { bigint: true });
      const content = info.isSymbolicLink() ? readlinkSync(file) : info.isFile() ? readFileSync(file) : '';
      const hash = createHash('sha256').update(content).digest('hex');
      const hasTime = !info.isDirectory() && !/\/\.git\/(modules\/.*\/)?(objects\/|sharedindex)/.test(name);
      found[name] = `${info.mode} ${hasTime ? info.mtimeNs : ''} ${hash}`;
      if (info.isDirectory()) walk(file);
    }
  };
  walk(Buffer.from(folder));
  return found;
}
