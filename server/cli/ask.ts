import process from 'node:process';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

export interface AskOptions {
  /** The answer is not shown as it is typed. */
  hidden?: boolean;
  /** Takes the question back: somebody else has answered it. */
  signal?: AbortSignal;
  /** Ctrl-C interrupts the program as it does when nothing is asked, instead of only ending the input. */
  interrupts?: boolean;
}

/**
 * Asks the person at the terminal for one line.
 * @returns the answer without spaces around it; nothing where the person ended the input, or the question was taken back
 */
export function ask(
  question: string,
  { hidden = false, signal, interrupts = false }: AskOptions = {},
): Promise<string | undefined> {
  if (signal?.aborted) return Promise.resolve(undefined);
  // Readline echoes to its output: for a hidden answer that is nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({
    input: process.stdin,
    output: hidden ? nowhere : process.stderr,
    prompt: hidden ? '' : question,
    terminal: true,
  });
  // Not before the reader is there: until then the terminal itself would echo what is typed.
  if (hidden) process.stderr.write(question);
  else reader.prompt();
  const takeBack = () => reader.close();
  signal?.addEventListener('abort', takeBack);
  return new Promise((resolve) => {
    let answer: string | undefined;
    reader.once('line', (line) => {
      answer = line.trim();
      reader.close();
    });
    reader.once('SIGINT', () => {
      reader.close();
      // The terminal does not make a signal of Ctrl-C while a line is read.
      if (interrupts) process.kill(process.pid, 'SIGINT');
    });
    reader.once('close', () => {
      signal?.removeEventListener('abort', takeBack);
      if (hidden || (answer === undefined && signal)) process.stderr.write('\n');
      resolve(answer);
    });
  });
}
