import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FrameLocator } from 'playwright-core';
import { strings } from '../../webview-ui/strings.ts';
import { git } from '../fakes/git.ts';
import { DEMO_PROMPT, demo } from '../fakes/model/demo.ts';
import type { Scenario } from '../fakes/model/script.ts';
import type { Workbench } from '../vscode/workbench.ts';
import { type Editor, openEditor } from './editor.ts';
import { parseTree, personState } from './person-state.ts';
import { PERSON, REPOSITORY, type Stage, setStage } from './stage.ts';
import { tellInOrder } from './story.ts';

const SIGN_IN = fileURLToPath(new URL('../fakes/github-auth-extension', import.meta.url));
const PROPOSED = ['src/cli.js', 'src/format.js', 'src/units.js', 'test/units.test.js'];
/** The file that the person does not accept. */
const REFUSED = 'test/units.test.js';
const ACCEPTED = PROPOSED.filter((path) => path !== REFUSED);
const AUTHOR = 'Sam Sample <sam@example.test>';

describe('the whole path, in a real VS Code', function () {
  this.timeout(240_000);
  let stage: Stage;
  let editor: Editor;
  let window: Workbench;
  let panel: FrameLocator;
  let personBefore: Record<string, string>;
  /** Lets the model give its third answer: until then the agent is at work, however fast the machine is. */
  const thirdAnswer = Promise.withResolvers<void>();

  before(async () => {
    stage = await setStage(heldAt(2, thirdAnswer.promise), 2);
    await beInTheMiddleOfSomething(stage.clone);
    editor = await openEditor(stage, { extensions: [SIGN_IN] });
    window = editor.window;
    panel = window.webview();
    personBefore = await personState(stage.clone);
  });
  tellInOrder({ window: () => window, log: () => stage.relay.log() });
  after(async () => {
    await editor?.close();
    await stage?.close();
  });

  it('begins with a right-click on a file, which becomes a chip in the composer', async () => {
    await window.explorerItem('src').click();
    await window.explorerItem('format.js').waitFor();
    const file = window.explorerItem('format.js');
    await window.chooseFromMenu(file, await titleOf('handoff.delegate'), 'delegate');
    const composer = panel.getByLabel(strings.composer.label);
    // The first panel of a fresh installation: its page comes from a cold disk.
    await composer.waitFor({ timeout: 60_000 });
    await panel.getByText('format.js').first().waitFor();
    await composer.fill(DEMO_PROMPT);
    await window.picture('02-composer');
    await panel.getByRole('button', { name: strings.composer.delegate }).click();
  });

  it('shows the agent at work: text, tools and plan as they come', async () => {
    const transcript = panel.getByRole('log');
    await transcript.getByText('I will look at how distances become text').waitFor();
    await transcript.getByText(strings.tools.grepped).waitFor();
    await panel.getByRole('button', { name: strings.composer.stop, exact: true }).waitFor();
    await window.picture('chat');
    thirdAnswer.resolve();
    await transcript.getByText('9 tests pass').waitFor();
    await panel.getByRole('button', { name: strings.proposal.review }).waitFor();
    await window.picture('04-done');
  });

  it('opens every proposed file in one multi-diff editor', async () => {
    await panel.getByRole('button', { name: strings.proposal.review }).click();
    await window.page.getByRole('tab', { name: `(${PROPOSED.length} files)` }).waitFor();
    await window.picture('05-review');
    // The editor draws what is on screen; the rest comes as the person scrolls.
    const header = (path: string) =>
      window.page.locator('.multiDiffEntry .header', { hasText: basename(path) });
    const [task] = (await stage.client.listTasks()).tasks;
    // Best read from what the others need to what needs them.
    const order = (await stage.client.changes(String(task?.taskId))).files.map(({ path }) => path);
    assert.deepEqual(order.toSorted(), PROPOSED);
    for (const path of order) await window.scrollTo(header(path).first());
  });

  it('records which files the person accepts', async () => {
    for (const [index, path] of ACCEPTED.entries()) {
      const box = window.checkbox(basename(path));
      const accepted = panel.getByText(strings.proposal.accepted(index + 1));
      await box.check();
      // VS Code loses a click on a row that is being drawn anew: whoever sees that nothing came of it clicks again.
      const isSeen = await accepted.waitFor({ timeout: 8000 }).then(
        () => true,
        () => false,
      );
      if (!isSeen) {
        await box.uncheck();
        await box.check();
        await accepted.waitFor();
      }
      const row = window.page.locator('.pane-body .monaco-list-row', { hasText: basename(path) });
      await row.filter({ hasText: 'kept' }).first().waitFor();
    }
    await window.picture('review');
    await window.useTheme('light');
    await window.page.locator('.monaco-workbench.vs').waitFor();
    await window.picture('07-light');
    await window.useTheme('dark');
    await window.page.locator('.monaco-workbench.vs-dark').waitFor();
  });

  it('opens a pull request once the person has given a title and allowed the sign-in', async () => {
    await panel.getByRole('button', { name: strings.proposal.openPullRequest }).click();
    const input = window.page.locator('.quick-input-widget input[type=text]');
    await input.waitFor();
    await input.fill('Show the report in miles');
    await window.picture('08-title');
    await window.page.keyboard.press('Enter');
    const choice = (text: string) =>
      window.page.locator('.quick-input-list .monaco-list-row', { hasText: text });
    await choice('Leave my uncommitted work out').click();
    await choice('Open as draft').click();
    await window.dialog().getByRole('button', { name: 'Allow' }).waitFor();
    await window.picture('09-consent');
    await window.dialog().getByRole('button', { name: 'Allow' }).click();
    await panel.getByText(strings.publish.opened(1)).waitFor();
    await window.picture('pull-request');
    assert.deepEqual(
      stage.github.pulls(PERSON.login, REPOSITORY).map(({ number, title, base, draft, state, author }) => ({
        number,
        title,
        base,
        draft,
        state,
        author: author.login,
      })),
      [
        {
          number: 1,
          title: 'Show the report in miles',
          base: 'main',
          draft: true,
          state: 'open',
          author: PERSON.login,
        },
      ],
    );
  });

  it('has pushed one commit by the person, of exactly what was accepted: their uncommitted work is not in it', async () => {
    const onServer = (...args: string[]) => stage.github.git(PERSON.login, REPOSITORY, args);
    const [pull] = stage.github.pulls(PERSON.login, REPOSITORY);
    assert.ok(pull);
    const log = await onServer('log', '--format=%an <%ae>|%cn <%ce>|%T', `main..${pull.head}`);
    const publication = await publicationOf(stage);
    assert.deepEqual(log.split('\n'), [`${AUTHOR}|${AUTHOR}|${publication?.pushedTree}`]);

    const pushed = parseTree(await onServer('ls-tree', '-r', pull.head));
    const before = parseTree(await onServer('ls-tree', '-r', 'main'));
    const differing = [...new Set([...Object.keys(pushed), ...Object.keys(before)])]
      .filter((path) => pushed[path] !== before[path])
      .sort();
    assert.deepEqual(differing, ACCEPTED);
    assert.match(await onServer('show', `${pull.head}:src/format.js`), /convert\(km, unit\)\.toFixed/);
  });

  it('has let no secret into the panel or an address', () => {
    const { messages, urls } = window.heard;
    assert.ok(
      messages.some((message) => message.includes('turn.ended')),
      'what the panel was told was heard',
    );
    const told = [...messages, ...urls].join('\n');
    for (const secret of [PERSON.token, stage.model.apiKey, stage.token]) assert.ok(!told.includes(secret));
  });

  it('has left the person where they were: HEAD, index and files byte for byte', async () => {
    assert.deepEqual(await personState(stage.clone), personBefore);
  });
});

/** The demo, with one of its answers held back until a promise is kept. */
function heldAt(index: number, release: Promise<void>): Scenario {
  return demo.map((script) => ({
    ...script,
    steps: script.steps.map((step, at) => {
      if (at !== index) return step;
      return async (request) => {
        await release;
        return typeof step === 'function' ? step(request) : step;
      };
    }),
  }));
}

/** What a person has lying around: a staged file, an edited one, and one that Git does not know. */
async function beInTheMiddleOfSomething(clone: string): Promise<void> {
  await git(clone, ['config', 'user.name', 'Sam Sample']);
  await git(clone, ['config', 'user.email', 'sam@example.test']);
  await writeFile(join(clone, 'notes.md'), 'staged\r\n');
  await git(clone, ['add', 'notes.md']);
  const readme = join(clone, 'README.md');
  await writeFile(readme, `${await readFile(readme, 'utf8')}\nNot committed yet.\n`);
  await writeFile(join(clone, 'data/more.csv'), 'date,name,km\n');
}

/** What the relay says that it pushed, through its API. */
async function publicationOf({ client }: Stage) {
  const { tasks } = await client.listTasks();
  assert.equal(tasks.length, 1);
  return (await client.getTask(String(tasks[0]?.taskId))).publish;
}

/** What a command is called in menus, in the words of the manifest or of the file that translates them. */
async function titleOf(command: string): Promise<string> {
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(new URL(`../../${name}`, import.meta.url), 'utf8'));
  const { contributes } = (await read('package.json')) as {
    contributes: { commands: { command: string; title: string }[] };
  };
  const title = contributes.commands.find((contributed) => contributed.command === command)?.title;
  assert.ok(title, `${command} is contributed`);
  const key = /^%(.+)%$/.exec(title)?.[1];
  return key === undefined
    ? title
    : String(((await read('package.nls.json')) as Record<string, string>)[key]);
}
