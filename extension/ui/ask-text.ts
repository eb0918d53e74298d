import * as vscode from 'vscode';
import { Cancelled } from './failure.ts';

/**
 * A line of text; what was typed is told even where the person then goes away.
 * @throws {Cancelled} where they do
 */
export async function askText(options: {
  title: string;
  prompt: string;
  value: string;
  /** What is wrong with it, if anything. */
  check: (text: string) => string | undefined;
  onTyped?: (text: string) => void;
}): Promise<string> {
  const { title, prompt, value, check, onTyped } = options;
  // Not `showInputBox`: it tells of what was typed late, and so of nothing where the person is fast to leave.
  const box = vscode.window.createInputBox();
  Object.assign(box, { title, prompt, value, ignoreFocusOut: true });
  try {
    const isAccepted = await new Promise<boolean>((resolve) => {
      box.onDidChangeValue((typed) => {
        box.validationMessage = check(typed);
      });
      box.onDidAccept(() => {
        box.validationMessage = check(box.value);
        if (box.validationMessage === undefined) resolve(true);
      });
      box.onDidHide(() => resolve(false));
      box.show();
    });
    if (box.value !== value) onTyped?.(box.value);
    if (!isAccepted) throw new Cancelled();
    return box.value.trim();
  } finally {
    box.dispose();
  }
}
