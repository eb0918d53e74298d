import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmod,
  link as linkTo,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { type ApplyDeps, applyFiles } from '../../../extension/apply/apply-files.ts';
import type { AcceptedChange } from '../../../extension/apply/gather.ts';
import { gitAt } from '../../../extension/git/run-git.ts';

type Bytes = string | Uint8Array;
interface Entry {
  mode?: string;
  content: Bytes;
}

const bytesOf = (content: Bytes) =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content;
const regular = (content: Bytes): Entry => ({ content });
const executable = (content: Bytes): Entry => ({ mode: '100755', content });
const link = (target: string): Entry => ({ mode: '120000', content: target });

describe('applying what was accepted to the person’s files, in a real VS Code', () => {
  let root: string;
  beforeEach(async () => {
    root = await realpath(await mkdtemp(path.join(tmpdir(), 'handoff-apply-')));
  });
  afterEach(async () => {
    await revertAll();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await rm(root, { recursive: true, force: true });
  });

  const at = (name: string) => path.join(root, name);
  const uri = (name: string) => vscode.Uri.file(at(name));
  const here = async (name: string, content: Bytes) => {
    await mkdir(path.dirname(at(name)), { recursive: true });
    await writeFile(at(name), content);
  };
  const show = async (name: string) => vscode.window.showTextDocument(uri(name), { preview: false });
  const text = async (name: string) => (await vscode.workspace.openTextDocument(uri(name))).getText();

  /** Applies a change of these paths, each from what it was to what it is to be. */
  async function apply(
    changes: Record<string, [from: Entry | null, to: Entry | null, renamedFrom?: string]>,
    ask: ApplyDeps['ask'] = () => assert.fail('nothing is to be asked'),
  ) {
    const blobs = new Map<string, Uint8Array>();
    const put = (entry: Entry | null) => {
      if (entry === null) return { mode: null, oid: null };
      const bytes = bytesOf(entry.content);
      const oid = createHash('sha1').update(bytes).digest('hex');
      blobs.set(oid, bytes);
      return { mode: entry.mode ?? '100644', oid };
    };
    const list = Object.entries(changes).map(([name, [from, to, renamedFrom]]): AcceptedChange => {
      const [old, now] = [put(from), put(to)];
      return {
        path: name,
        ...{ oldMode: old.mode, oldOid: old.oid, newMode: now.mode, newOid: now.oid },
        ...(renamedFrom === undefined ? {} : { renamedFrom }),
      };
    });
    const read = async (oid: string) => blobs.get(oid) ?? assert.fail(`no blob ${oid}`);
    const applied = await applyFiles({ root, git: gitAt('git'), read, ask }, list);
    return { ...applied, conflicts: applied.conflicts.map(({ fsPath }) => path.relative(root, fsPath)) };
  }
  const nothing = { changed: [], conflicts: [], same: [], kept: [], refused: [] };

  it('merges into a document with unsaved text, leaves it unsaved, and is undone in one step', async () => {
    await here('a.txt', 'one\ntwo\nthree\nfour\nfive\n');
    const editor = await show('a.txt');
    await editor.edit((edit) => edit.insert(new vscode.Position(3, 0), 'mine\n'));
    editor.selection = new vscode.Selection(2, 1, 2, 3);

    const done = await apply({
      'a.txt': [regular('one\ntwo\nthree\nfour\nfive\n'), regular('ONE\ntwo\nthree\nfour\nFIVE\n')],
    });

    assert.deepEqual(done, { ...nothing, changed: ['a.txt'] });
    assert.deepEqual(
      [editor.document.getText(), editor.document.isDirty, await readFile(at('a.txt'), 'utf8')],
      ['ONE\ntwo\nthree\nmine\nfour\nFIVE\n', true, 'one\ntwo\nthree\nfour\nfive\n'],
    );
    assert.deepEqual(editor.selection, new vscode.Selection(2, 1, 2, 3));
    await vscode.window.showTextDocument(editor.document);
    await vscode.commands.executeCommand('undo');
    assert.equal(editor.document.getText(), 'one\ntwo\nthree\nmine\nfour\nfive\n');
  });

  it('puts both sides between conflict markers, and finds nothing to do a second time', async () => {
    await here('a.txt', 'one\r\nmine\r\n');
    await show('a.txt');
    const change = { 'a.txt': [regular('one\ntwo\n'), regular('one\ntheirs\n')] as [Entry, Entry] };
    assert.deepEqual(await apply(change), { ...nothing, changed: ['a.txt'], conflicts: ['a.txt'] });
    assert.equal(
      await text('a.txt'),
      'one\r\n<<<<<<< Your files\r\nmine\r\n=======\r\ntheirs\r\n>>>>>>> Accepted changes (Handoff)\r\n',
    );
    await here('b.txt', 'one\ntwo\n');
    const clean = { 'b.txt': [regular('one\n'), regular('one\ntwo\n')] as [Entry, Entry] };
    assert.deepEqual(await apply(clean), { ...nothing, same: ['b.txt'] });
  });

  it('makes, deletes and changes files that no tab shows, and undoing one document takes its text back', async () => {
    await here('gone.txt', 'old\n');
    await here('closed.txt', 'one\n');
    const done = await apply({
      'closed.txt': [regular('one\n'), regular('one\ntwo\n')],
      'gone.txt': [regular('old\n'), null],
      'new/made.sh': [null, executable('echo hello\n')],
    });
    assert.deepEqual(done, { ...nothing, changed: ['closed.txt', 'gone.txt', 'new/made.sh'] });
    assert.deepEqual(
      [
        await text('closed.txt'),
        await readFile(at('new/made.sh'), 'utf8'),
        (await stat(at('new/made.sh'))).mode & 0o100,
      ],
      ['one\ntwo\n', 'echo hello\n', 0o100],
    );
    await assert.rejects(lstat(at('gone.txt')), { code: 'ENOENT' });
    assert.deepEqual(
      vscode.workspace.textDocuments
        .filter(({ isDirty }) => isDirty)
        .map(({ uri }) => path.relative(root, uri.fsPath)),
      ['closed.txt'],
    );
  });

  it('deletes a file that a tab shows without closing the tab', async () => {
    await here('shown.txt', 'old\n');
    await show('shown.txt');
    assert.deepEqual(await apply({ 'shown.txt': [regular('old\n'), null] }), {
      ...nothing,
      changed: ['shown.txt'],
    });
    await assert.rejects(lstat(at('shown.txt')), { code: 'ENOENT' });
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    assert.ok(
      tabs.some(({ input }) => input instanceof vscode.TabInputText && input.uri.fsPath === at('shown.txt')),
    );
  });

  it('asks about what cannot be merged, and does with each what was said', async () => {
    const changes: Parameters<typeof apply>[0] = {
      'a.bin': [regular(Uint8Array.of(0, 1)), regular(Uint8Array.of(0, 2))],
      'b.bin': [regular(Uint8Array.of(0, 1)), regular(Uint8Array.of(0, 2))],
      'c.bin': [regular(Uint8Array.of(0, 1)), regular(Uint8Array.of(0, 2))],
      'd.txt': [regular('old\n'), null],
    };
    await here('a.bin', Uint8Array.of(0, 1));
    await here('b.bin', Uint8Array.of(0, 3));
    await here('c.bin', Uint8Array.of(0, 3));
    await here('d.txt', 'mine\n');
    let asked: unknown;
    const done = await apply(changes, async (clashes) => {
      asked = clashes;
      return new Set(['b.bin']);
    });
    assert.deepEqual(asked, [
      { path: 'b.bin', take: 'replace' },
      { path: 'c.bin', take: 'replace' },
      { path: 'd.txt', take: 'delete' },
    ]);
    assert.deepEqual(done, { ...nothing, changed: ['a.bin', 'b.bin'], kept: ['c.bin', 'd.txt'] });
    assert.deepEqual(
      await Promise.all(['a.bin', 'b.bin', 'c.bin', 'd.txt'].map((name) => readFile(at(name), 'hex'))),
      ['0002', '0002', '0003', Buffer.from('mine\n').toString('hex')],
    );
  });

  it('keeps byte order mark, encoding and line ends of a file', async () => {
    const utf16 = (content: string) =>
      Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(content, 'utf16le')]);
    await here('mark.txt', '\ufeffone\r\ntwo\r\n');
    await here('wide.txt', utf16('größe\r\nb\r\nmine\r\n'));
    await here('last.txt', 'one\ntwo');
    const done = await apply({
      'last.txt': [regular('one\ntwo'), regular('ONE\ntwo')],
      'mark.txt': [regular('\ufeffone\ntwo\n'), regular('\ufeffONE\ntwo\n')],
      'wide.txt': [regular(utf16('größe\r\nb\r\n')), regular(utf16('GRÖSSE\r\nb\r\n'))],
    });
    assert.deepEqual(done.changed, ['last.txt', 'mark.txt', 'wide.txt']);
    for (const document of vscode.workspace.textDocuments) await document.save();
    assert.deepEqual(
      await Promise.all(['last.txt', 'mark.txt', 'wide.txt'].map((name) => readFile(at(name), 'hex'))),
      ['ONE\ntwo', '\ufeffONE\r\ntwo\r\n', utf16('GRÖSSE\r\nb\r\nmine\r\n')].map((some) =>
        Buffer.from(some).toString('hex'),
      ),
    );
  });

  it('brings modes and links, and what the person wrote along to a file’s new name', async () => {
    await here('run.sh', 'echo\n');
    await chmod(at('run.sh'), 0o600);
    await symlink('run.sh', at('link'));
    await here('old.txt', 'one\ntwo\nthree\nmine\n');
    const done = await apply({
      link: [link('run.sh'), link('new.txt')],
      'new.txt': [null, regular('ONE\ntwo\nthree\n'), 'old.txt'],
      'old.txt': [regular('one\ntwo\nthree\n'), null],
      'run.sh': [regular('echo\n'), executable('echo\n')],
    });
    assert.deepEqual(done, { ...nothing, changed: ['link', 'new.txt', 'old.txt', 'run.sh'] });
    assert.deepEqual(
      [
        await readlink(at('link')),
        await readFile(at('new.txt'), 'utf8'),
        (await stat(at('run.sh'))).mode & 0o777,
      ],
      ['new.txt', 'ONE\ntwo\nthree\nmine\n', 0o700],
    );
    await assert.rejects(lstat(at('old.txt')), { code: 'ENOENT' });
  });

  it('takes two names of one file for that file: it gets its change, and is not deleted', async () => {
    await here('Readme.md', 'one\ntwo\nthree\nmine\n');
    await linkTo(at('Readme.md'), at('README.md'));
    const done = await apply({
      'README.md': [null, regular('ONE\ntwo\nthree\n')],
      'Readme.md': [regular('one\ntwo\nthree\n'), null],
    });
    assert.deepEqual(done, { ...nothing, changed: ['README.md'] });
    assert.equal(await text('Readme.md'), 'ONE\ntwo\nthree\nmine\n');
    assert.equal(await readFile(at('README.md'), 'utf8'), 'one\ntwo\nthree\nmine\n');
  });

  it('leaves a file that is to be a folder, and a folder that is to be a file, whole; the rest is applied', async () => {
    await here('folder/x', 'x\n');
    await here('file', 'y\n');
    const done = await apply({
      folder: [null, regular('now a file\n')],
      'folder/x': [regular('x\n'), null],
      file: [regular('y\n'), null],
      'file/x': [null, regular('now in a folder\n')],
      'new.txt': [null, regular('new\n')],
    });
    assert.deepEqual(done, {
      ...nothing,
      changed: ['new.txt'],
      refused: ['file', 'file/x', 'folder', 'folder/x'],
    });
    assert.deepEqual(
      [await readFile(at('folder/x'), 'utf8'), await readFile(at('file'), 'utf8'), await text('new.txt')],
      ['x\n', 'y\n', 'new\n'],
    );
  });

  it('writes nothing outside of the repository, nor into what is Git’s', async () => {
    const outside = await mkdtemp(path.join(tmpdir(), 'handoff-outside-'));
    await symlink(outside, at('out'));
    const evil = ['../evil.txt', '.git/hooks/post-checkout', '/etc/evil', 'a/../../evil.txt', 'out/evil.txt'];
    const done = await apply(Object.fromEntries(evil.map((name) => [name, [null, regular('evil')]])));
    assert.deepEqual(done, { ...nothing, refused: evil.toSorted() });
    await assert.rejects(lstat(path.join(outside, 'evil.txt')), { code: 'ENOENT' });
    await rm(outside, { recursive: true });
  });
});

/** Else closing the editors would ask. */
async function revertAll(): Promise<void> {
  for (const document of vscode.workspace.textDocuments.filter(({ isDirty }) => isDirty)) {
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  }
}
