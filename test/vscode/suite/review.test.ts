import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { digest } from '../../../extension/review/contents.ts';
import { toReviewUri } from '../../../extension/review/uris.ts';
import { hunksOf, segments } from '../../../server/protocol/hunks.ts';
import { PROTOCOL_VERSION } from '../../../server/protocol/version.ts';
import { type RelayDouble, running, startRelayDouble, treeOf } from '../../unit/extension/relay-double.ts';

const BASE = '1\n2\n3\n4\n5\n6\n7\n8\n9\n';
const PROPOSAL = BASE.replace('2', 'two').replace('8', 'eight');
const oidOf = (text: string) => createHash('sha1').update(text).digest('hex');
const uri = vscode.Uri.from(toReviewUri({ taskId: 't', side: 'proposal', path: 'a' }));

describe('the review of a proposal, in a real VS Code', () => {
  const dataDir = process.env['HANDOFF_DATA'] ?? '';
  let relay: RelayDouble;
  let edits: [revision: number, text: string][];

  before(async () => {
    relay = await startRelayDouble();
    await mkdir(dataDir, { recursive: true });
    await writeFile(path.join(dataDir, 'token'), relay.token);
    const file = { url: relay.url, pid: process.pid, version: '1', protocol: PROTOCOL_VERSION };
    await writeFile(path.join(dataDir, 'relay.json'), JSON.stringify(file));
    for (const taskId of ['t', 'u']) relay.append(taskId, ...running(taskId));
  });
  beforeEach(async () => {
    edits = [];
    propose(PROPOSAL);
    relay.setOnEdit(({ revision, content }) => {
      const text = Buffer.from(content ?? '', 'base64').toString();
      if (revision !== relay.stateOf('t').proposal?.revision) return 'revision_changed';
      edits.push([revision, text]);
      propose(text);
      return undefined;
    });
    await vscode.commands.executeCommand('handoff.reviewChanges', { taskId: 't', path: 'a' });
  });
  afterEach(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
  after(async () => {
    await relay.close();
    await rm(path.join(dataDir, 'relay.json'));
  });

  function propose(text: string, taskId = 't'): number {
    const revision = (relay.stateOf(taskId).proposal?.revision ?? 0) + 1;
    const file = { path: 'a', status: 'modified', binary: false, additions: 1, deletions: 1 } as const;
    const sides = { oldMode: '100644', newMode: '100644', oldOid: oidOf(BASE), newOid: oidOf(text) };
    for (const content of [BASE, text]) relay.blobs.set(oidOf(content), content);
    const trees = { revision, baseTree: treeOf(0), headTree: treeOf(revision) };
    const hunks = hunksOf(segments(BASE, text, digest));
    relay.changes.set(taskId, { ...trees, files: [{ ...file, ...sides, hunks }] });
    relay.append(taskId, { type: 'proposal.changed', ...trees, files: [file] });
    return revision;
  }

  /** The document with that text unsaved in line 5. */
  async function typed(text: string): Promise<vscode.TextDocument> {
    const document = await vscode.workspace.openTextDocument(uri);
    await shows(document, PROPOSAL);
    const edit = new vscode.WorkspaceEdit();
    edit.replace(uri, document.lineAt(4).range, text);
    await vscode.workspace.applyEdit(edit);
    assert.equal(document.isDirty, true);
    return document;
  }
  const shows = (document: vscode.TextDocument, text: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (document.getText() !== text || document.isDirty) return;
        listening.dispose();
        resolve();
      };
      const listening = vscode.workspace.onDidChangeTextDocument(look);
      look();
    });
  /** `save` says false of a document that had saved itself a moment before. */
  async function saved(document: vscode.TextDocument): Promise<void> {
    assert.equal((await document.save()) || !document.isDirty, true);
  }
  /** The relay was asked for what it proposes since then. */
  async function read(before: number): Promise<void> {
    const isAsked = () => relay.requests.slice(before).includes('GET /v1/tasks/t/changes');
    while (!isAsked()) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  it('saves unsaved text into a revision that came meanwhile, and then shows both', async () => {
    const document = await typed('five');
    const before = relay.requests.length;
    const next = PROPOSAL.replace('9', 'nine');
    const revision = propose(next);
    await read(before);
    await saved(document);
    assert.deepEqual(edits, [[revision, next.replace('5', 'five')]]);
    await shows(document, next.replace('5', 'five'));
  });

  it('saves unsaved text beside a change of the same file that was undone meanwhile', async () => {
    const document = await typed('five');
    const [hunk] = relay.changes.get('t')?.files[0]?.hunks ?? [];
    const revision = relay.stateOf('t').proposal?.revision;
    const row = { kind: 'item', taskId: 't', path: 'a', hash: hunk?.hash };
    await vscode.commands.executeCommand('handoff.undoChange', row);
    await saved(document);
    assert.deepEqual(edits, [[revision, PROPOSAL.replace('5', 'five')]]);
    await shows(document, PROPOSAL.replace('two', '2').replace('5', 'five'));
  });

  it('is not saved in another encoding', async () => {
    await vscode.workspace.openTextDocument(uri, { encoding: 'iso88591' });
    const document = await vscode.workspace.openTextDocument(uri);
    const edit = new vscode.WorkspaceEdit();
    edit.insert(uri, new vscode.Position(0, 0), 'x');
    await vscode.workspace.applyEdit(edit);
    assert.deepEqual([await document.save(), edits], [false, []]);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  });

  it('decides on the rows that are selected in its view', async () => {
    const args = { kind: 'selection' };
    let decided: { accepted?: string[] } = {};
    // The view draws its rows some time after it is shown.
    while (decided.accepted === undefined) {
      for (const command of ['handoff.review.focus', 'list.focusFirst', 'list.toggleSelection'])
        await vscode.commands.executeCommand(command);
      decided = await vscode.commands.executeCommand('handoff.keepChange', args);
    }
    assert.deepEqual(decided.accepted, ['a']);
  });

  it('has buttons that are about the tab that the person looks at', async () => {
    propose(PROPOSAL, 'u');
    await vscode.commands.executeCommand('handoff.reviewChanges', { taskId: 't' });
    await vscode.commands.executeCommand('handoff.reviewChanges', { taskId: 'u' });
    await vscode.commands.executeCommand('workbench.action.previousEditorInGroup');
    const { activeTab } = vscode.window.tabGroups.activeTabGroup;
    assert.match(activeTab?.label ?? '', /^Handoff: Task t/);
    const decided = await vscode.commands.executeCommand<{ taskId: string }>('handoff.acceptAll');
    assert.equal(decided.taskId, 't');
    assert.deepEqual(relay.stateOf('u').review, undefined);
  });
});
