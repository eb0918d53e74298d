import * as vscode from 'vscode';
import { Cancelled, sentence, toFailure } from './failure.ts';
import type { Log } from './log.ts';

/**
 * Tells the person what failed and offers the way on. A cancellation is not a failure. Never throws, never waits:
 * the notification stays while work goes on.
 */
export function createReport(log: Log): (error: unknown) => void {
  return (error) => {
    if (error instanceof Cancelled) return;
    log.error(error instanceof Error ? (error.stack ?? error) : String(error));
    const failure = toFailure(error);
    const action =
      failure.code === 'model_not_configured'
        ? { title: vscode.l10n.t('Set Up Model'), command: 'handoff.setUpModel' }
        : failure.code === 'unauthorized'
          ? { title: vscode.l10n.t('Set Relay Token'), command: 'handoff.setRelayToken' }
          : { title: vscode.l10n.t('Show Log'), command: 'handoff.showLog' };
    void vscode.window.showErrorMessage(sentence(failure), action.title).then((chosen) => {
      if (chosen) void vscode.commands.executeCommand(action.command);
    });
  };
}
