import assert from 'node:assert/strict';
import * as vscode from 'vscode';

/** The part of the manifest that these tests hold the extension to. */
interface Manifest {
  enabledApiProposals?: string[];
  contributes: {
    commands: { command: string; title: string }[];
    views?: Record<string, { id: string }[]>;
    menus?: Record<string, { command?: string }[]>;
    keybindings?: { command: string }[];
    configuration: { properties: Record<string, { scope?: string }> };
  };
}

describe('the packaged extension in a real VS Code', () => {
  const extension = vscode.extensions.getExtension('handoff.handoff');
  assert.ok(extension, 'the extension is installed');
  const manifest: Manifest = extension.packageJSON;
  const commands = manifest.contributes.commands.map(({ command }) => command);

  before(() => extension.activate());

  it('activates', () => assert.equal(extension.isActive, true));

  it('registers every command that it contributes', async () => {
    const registered = new Set(await vscode.commands.getCommands(true));
    assert.ok(commands.length > 0);
    assert.deepEqual(
      commands.filter((command) => !registered.has(command)),
      [],
    );
  });

  it('has every view that it contributes', async () => {
    const registered = new Set(await vscode.commands.getCommands(true));
    const views = Object.values(manifest.contributes.views ?? {}).flatMap((group) =>
      group.map(({ id }) => id),
    );
    assert.ok(views.length > 0);
    assert.deepEqual(
      views.filter((id) => !registered.has(`${id}.focus`)),
      [],
    );
  });

  it('puts only its own commands, and those of VS Code, into menus and on keys', async () => {
    const known = new Set([...commands, ...(await vscode.commands.getCommands(true))]);
    const { menus = {}, keybindings = [] } = manifest.contributes;
    const used = [...Object.values(menus).flat(), ...keybindings].flatMap(({ command }) => command ?? []);
    assert.deepEqual(
      used.filter((command) => !known.has(command)),
      [],
    );
  });

  it('takes no setting from a repository, which could set what is asked of the person', () => {
    const { properties } = manifest.contributes.configuration;
    const scopes = new Set(Object.values(properties).map(({ scope }) => scope));
    assert.deepEqual([...scopes], ['application']);
  });

  it('uses no proposed API, which a published extension may not', () => {
    assert.equal(manifest.enabledApiProposals, undefined);
  });
});
