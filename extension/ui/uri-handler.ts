import * as vscode from 'vscode';

/** `vscode://handoff.handoff/task/<id>` opens the task's chat: for links in messages and pull requests. */
export function createUriHandler(): vscode.UriHandler {
  return {
    async handleUri({ path }) {
      const [, taskId] = /^\/task\/([\w-]+)$/.exec(path) ?? [];
      if (taskId !== undefined) await vscode.commands.executeCommand('handoff.openTask', { taskId });
    },
  };
}
