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
  let typed = value;
  const text = await vscode.window.showInputBox({
    title,
    prompt,
    value,
    ignoreFocusOut: true,
    validateInput: (now) => {
      typed = now;
      return check(now);
    },
  });
  if (typed !== value) onTyped?.(typed);
  if (text === undefined) throw new Cancelled();
  return text.trim();
}
