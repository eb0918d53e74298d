import fc from 'fast-check';
import { splitLines } from '../../../server/protocol/hunks.ts';

/** Texts of few different lines, so that repetitions, CRLF, missing last newlines and empty texts are common. */
export const someText = fc
  .array(fc.constantFrom('a', 'b', 'c', '', ' ', 'ü😀', '\ufeff', 'a\r', '\0', '\r', '\u2028', '"'), {
    maxLength: 40,
  })
  .chain((lines) => fc.constantFrom('', '\n').map((end) => lines.join('\n') + end));

/** A text and an edited one, as an agent would leave it. */
export const someEdit = fc.oneof(
  fc.tuple(someText, someText),
  fc
    .tuple(
      someText,
      fc.array(fc.tuple(fc.nat(40), fc.nat(3), fc.array(fc.constantFrom('a\n', 'x\n', 'y\r\n')))),
    )
    .map(([text, edits]): [string, string] => {
      const lines = splitLines(text);
      for (const [at, removed, added] of edits) lines.splice(at, removed, ...added);
      return [text, lines.join('')];
    }),
);
