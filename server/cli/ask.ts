import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/**
 * Asks the person at the terminal for one line. A hidden answer is not shown as it is typed.
 * @returns the answer without spaces around it; nothing where the person ended the input
 */
export function ask(question: string, { hidden = false } = {}): Promise<string | undefined> {
  process.stderr.write(question);
  // Readline echoes to its output: for a hidden answer that is nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({
    input: process.stdin,
    output: hidden ? nowhere : process.stderr,
    terminal: true,
  });
  return new Promise((resolve) => {
    let answer: string | undefined;
    reader.once('line', (line) => {
      answer = line.trim();
      reader.close();
    });
    reader.once('SIGINT', () => reader.close());
    reader.once('close', () => {
      if (hidden) process.stderr.write('\n');
      resolve(answer);
    });
  });
}
