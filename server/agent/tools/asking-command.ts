import { LIMITS } from './limits.ts';

/** Aborts once a command has printed what looks like a question, and nothing after it for some seconds. */
export interface QuestionWatch extends Disposable {
  printed(text: string): void;
  signal: AbortSignal;
}

/** UTF-16 units of the last line that are looked at. */
const LOOKED_AT = 300;

/** @param patience ms of silence behind a question */
export function watchForQuestion(patience: number = LIMITS.bashAsking): QuestionWatch {
  const asked = new AbortController();
  let last = '';
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: asked.signal,
    printed(text) {
      clearTimeout(timer);
      last = (last + text).slice(-LOOKED_AT);
      if (isQuestion(last)) timer = setTimeout(() => asked.abort(), patience);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** What programs print when they wait for a person, on a line that they leave open. */
const QUESTIONS = [
  /[[(](y|yes)\/(n|no)(\/[^\])]*)?[\])]\??:?$/i,
  /\b(password|passphrase|passcode|username|login)\b.*:$/i,
  /\bpress (any key|enter|return)\b[^.]*[.:]*$/i,
  /\b(continue|proceed|overwrite|are you sure|is this ok)\b[^?]*\?( \S+)?$/i,
  /^\? .+[:?›]( .*)?$/,
];

/** Whether the last line of some output waits for an answer. */
export function isQuestion(output: string): boolean {
  const line = output.slice(output.lastIndexOf('\n') + 1).trim();
  return line !== '' && QUESTIONS.some((question) => question.test(line));
}
