import * as vscode from 'vscode';

const IN_MULTI_DIFF = {
  next: 'multiDiffEditor.goToNextChange',
  previous: 'multiDiffEditor.goToPreviousChange',
};
const IN_DIFF = {
  next: 'workbench.action.compareEditor.nextChange',
  previous: 'workbench.action.compareEditor.previousChange',
};

/** Goes to a change beside the one at the cursor, by the editor's own commands: over all files in the multi-diff, in one file else. */
export async function goToChange(direction: 'next' | 'previous'): Promise<void> {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  const commands = input instanceof vscode.TabInputTextDiff ? IN_DIFF : IN_MULTI_DIFF;
  await vscode.commands.executeCommand(commands[direction]);
}
