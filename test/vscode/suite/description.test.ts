import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';
import { CONTINUE, editDescription } from '../../../extension/github/edit-description.ts';
import { Cancelled } from '../../../extension/ui/failure.ts';

describe('editing the description of a pull request, in a real VS Code', function () {
  this.timeout(30_000);
  afterEach(async () => {
    await vscode.commands.executeCommand('notifications.clearAll');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  const buttons = async () =>
    (await vscode.commands.getCommands(true)).filter((name) => name.startsWith(CONTINUE));
  /** The button of the only description that is edited. */
  async function button(): Promise<string> {
    for (;;) {
      const [name] = await buttons();
      if (name !== undefined) return name;
      await delay(20);
    }
  }

  it('keeps what is typed as it comes, and goes on by its button when the notification is gone', async () => {
    const typed: string[] = [];
    let done: Awaited<ReturnType<typeof editDescription>> | undefined;
    const edited = editDescription('one', (text) => typed.push(text)).then((answer) => (done = answer));
    const name = await button();
    await vscode.commands.executeCommand('notifications.clearAll');
    const editor = vscode.window.activeTextEditor ?? assert.fail('it is shown');
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), 'zero '));
    assert.deepEqual(typed, ['zero one']);
    const asked = vscode.commands.executeCommand(name);
    while (done === undefined) {
      // Does nothing until the list is there.
      await vscode.commands.executeCommand('quickInput.accept');
      await Promise.race([edited, delay(100)]);
    }
    await asked;
    assert.deepEqual([done, await buttons()], [{ body: 'zero one', kind: 'draft' }, []]);
  });

  it('is given up by closing the document', async () => {
    const edited = editDescription('one', () => {});
    await button();
    const refused = assert.rejects(edited, Cancelled);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await refused;
    assert.deepEqual(await buttons(), []);
  });
});
