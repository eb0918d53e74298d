import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { git } from '../fakes/git.ts';
import type { Scenario } from '../fakes/model/script.ts';
import type { Workbench } from '../vscode/workbench.ts';
import { type Editor, openEditor } from './editor.ts';
import { personState } from './person-state.ts';
import { PERSON, REPOSITORY, type Stage, setStage } from './stage.ts';
import { tellInOrder } from './story.ts';

const SIGN_IN = fileURLToPath(new URL('../fakes/github-auth-extension', import.meta.url));
/** Looks like a token of GitHub's, and is none. */
const LOOKS_SECRET = `ghp_${'a1B2'.repeat(9)}`;
const OLD_LINE = '/** A distance as people read it: one decimal, right-aligned. */';
const NEW_LINE = '/** A distance as people read it, right-aligned. */';

const scenario: Scenario = [
  { when: ({ tools }) => tools.length === 0, steps: [] },
  {
    steps: [
      {
        toolCalls: [
          { name: 'read', arguments: { path: 'src/format.js' } },
          { name: 'edit', arguments: { path: 'src/format.js', oldText: OLD_LINE, newText: NEW_LINE } },
          {
            name: 'write',
            arguments: { path: 'src/key.js', content: `export const key = '${LOOKS_SECRET}';\n` },
          },
        ],
      },
      { text: 'Done.' },
    ],
  },
];

describe('what was accepted, in the person’s hands, in a real VS Code', function () {
  this.timeout(240_000);
  let stage: Stage;
  let editor: Editor;
  let window: Workbench;
  let personBefore: Record<string, string>;

  before(async () => {
    stage = await setStage(scenario);
    await git(stage.clone, ['config', 'user.name', 'Sam Sample']);
    await git(stage.clone, ['config', 'user.email', 'sam@example.test']);
    await delegateAndAccept('Polish the report');
    editor = await openEditor(stage, {
      extensions: [SIGN_IN],
      // As a desktop has it; in a browser VS Code saves by itself.
      settings: { 'files.autoSave': 'off' },
    });
    window = editor.window;
    personBefore = await personState(stage.clone);
  });
  tellInOrder({ window: () => window, log: () => stage.relay.log() });
  after(async () => {
    await editor?.close();
    await stage?.close();
  });

  /** By the relay's API: how a task is delegated and reviewed is another story. */
  async function delegateAndAccept(prompt: string): Promise<string> {
    const { clone, client } = stage;
    const remote = (await git(clone, ['remote', 'get-url', 'origin'])).trim();
    const commit = (await git(clone, ['rev-parse', 'HEAD'])).trim();
    const source = { url: `file://${clone}`, remote, commit, branch: 'main' };
    const { taskId } = await client.createTask({ clientId: randomUUID(), prompt, source });
    const ended = new AbortController();
    await client.events(taskId, 0, {
      signal: ended.signal,
      onEvent: ({ type }) => type === 'turn.ended' && ended.abort(),
    });
    const { revision, files } = await client.changes(taskId);
    await client.patchReview(taskId, {
      revision,
      decisions: files.map(({ path }) => ({ path, hashes: 'all', state: 'accepted' })),
    });
    return taskId;
  }

  const choice = (text: string) =>
    window.page.locator('.quick-input-list .monaco-list-row', { hasText: text });
  const input = () => window.page.locator('.quick-input-widget input[type=text]');
  const lines = () => window.page.locator('.editor-group-container.active .view-line');
  const shown = async (text: string) => lines().filter({ hasText: text }).first().waitFor();
  const isGone = async (text: string) =>
    lines().filter({ hasText: text }).first().waitFor({ state: 'detached' });

  it('is merged into a document with unsaved text, which stays unsaved', async () => {
    await window.explorerItem('src').click();
    await window.explorerItem('format.js').dblclick();
    await shown('formatDistance');
    await window.page.keyboard.press('Control+End');
    await window.page.keyboard.type('// mine');
    await shown('// mine');
    await window.command('Apply Accepted Changes to My Files');
    await choice('Polish the report').click();
    await window.notification('Applied to 2 files; nothing is saved.').waitFor();
    await shown('people read it, right-aligned');
    await shown('// mine');
    await window.picture('apply');
    assert.match(await readFile(join(stage.clone, 'src/format.js'), 'utf8'), /one decimal/);
    assert.match(await readFile(join(stage.clone, 'src/key.js'), 'utf8'), /export const key/);
  });

  it('is taken back by one undo, over all files', async () => {
    await lines().first().click();
    await window.page.keyboard.press('Control+z');
    await shown('one decimal');
    await shown('// mine');
    await isGone('people read it, right-aligned');
    await assert.rejects(readFile(join(stage.clone, 'src/key.js')), { code: 'ENOENT' });
    assert.deepEqual(await personState(stage.clone), personBefore);
  });

  it('becomes a local branch, once the person has looked at what seems a secret', async () => {
    await window.command('Commit Accepted Changes to a Local Branch');
    await input().fill('mine/polish');
    await window.page.keyboard.press('Enter');
    await window.dialog().getByText('src/key.js:1').waitFor();
    assert.ok(!(await window.dialog().innerText()).includes(LOOKS_SECRET));
    await window.picture('secrets');
    await window.dialog().getByRole('button', { name: 'They Are No Secrets' }).click();
    await window.notification('Committed to the branch mine/polish').waitFor();
    const { refs: _refs, ...before } = personBefore;
    const { refs, ...after } = await personState(stage.clone);
    assert.deepEqual(after, before);
    assert.match(String(refs), /refs\/heads\/mine\/polish/);
    assert.deepEqual(
      (await git(stage.clone, ['log', '--format=%an|%s', '--name-only', 'main..mine/polish']))
        .trim()
        .split('\n'),
      ['Sam Sample|Polish the report', '', 'src/format.js', 'src/key.js'],
    );
  });

  it('is opened as a pull request, and what was typed outlives a change of mind', async () => {
    await window.command('Open Pull Request');
    await input().waitFor();
    await input().fill('A title that took thought');
    await window.page.keyboard.press('Escape');
    await input().waitFor({ state: 'hidden' });
    await window.command('Open Pull Request');
    await window.page.getByText('Title of the pull request').waitFor();
    assert.equal(await input().inputValue(), 'A title that took thought');
    await window.page.keyboard.press('Enter');
    await choice('Open as draft').click();
    await window.dialog().getByRole('button', { name: 'They Are No Secrets' }).click();
    await window.dialog().getByRole('button', { name: 'Allow' }).click();
    await window.notification('Pull request #1 is open.').waitFor();
    assert.deepEqual(
      stage.github.pulls(PERSON.login, REPOSITORY).map(({ title, draft }) => ({ title, draft })),
      [{ title: 'A title that took thought', draft: true }],
    );
  });

  it('is pushed with the person’s own credentials where the remote is not the relay’s GitHub', async () => {
    const { clone, github } = stage;
    const elsewhere = `${github.url.replace('127.0.0.1', 'localhost')}/${PERSON.login}/${REPOSITORY}.git`;
    await git(clone, ['remote', 'set-url', 'origin', elsewhere]);
    const helper = `!f() { echo username=x; echo password=${PERSON.token}; }; f`;
    await git(clone, ['config', 'credential.helper', helper]);
    const taskId = await delegateAndAccept('Push this elsewhere');
    await window.command('Review Changes');
    await choice('Push this elsewhere').click();
    await window.page.getByRole('tab', { name: /Push this elsewhere.*2 files/ }).waitFor();
    await window.page
      .locator('.editor-group-container.active .editor-actions')
      .getByLabel('Open Pull Request')
      .click();
    await window.page.getByText('Title of the pull request').waitFor();
    await window.page.keyboard.press('Enter');
    await choice('Open ready for review').click();
    await window.dialog().getByRole('button', { name: 'They Are No Secrets' }).click();
    await window.notification('with your own credentials').waitFor();
    const branches = await github.git(PERSON.login, REPOSITORY, [
      'for-each-ref',
      '--format=%(refname:short)',
    ]);
    assert.ok(
      branches.split('\n').some((name) => name.endsWith(taskId.slice(0, 8))),
      branches,
    );
  });
});
