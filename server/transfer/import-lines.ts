import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { AppError } from '../errors.ts';
import { FileLine } from './export-file.ts';
import { createTally, longestLine } from './limits.ts';

/**
 * Reads a task's file line by line, and checks each. @throws {AppError} `import_invalid` with the line's number, where one is not what
 * it should be, the file is too large, damaged or cut off
 */
export async function* readLines(file: string): AsyncGenerator<{ line: FileLine; number: number }> {
  let number = 0;
  const tally = createTally();
  let isWhole = false;
  for await (const text of split(file)) {
    number += 1;
    if (isWhole) throw invalid(number, 'there is more after the end');
    const line = check(text.toString(), number);
    const tooMuch = tally.add(line.line, text.byteLength);
    if (tooMuch !== undefined) throw invalid(number, `the file is too large: ${tooMuch}`);
    isWhole = line.line === 'end';
    yield { line, number };
  }
  if (!isWhole) throw invalid(number + 1, 'the file ends before its end');
}

export function invalid(number: number, why: string, cause?: unknown): AppError {
  return new AppError('import_invalid', `Line ${number} of the file: ${why}.`, {
    cause,
    nextAction:
      'Export the task again, and import that file whole. A file of a newer relay needs a newer relay.',
  });
}

function check(text: string, number: number): FileLine {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(number, 'it is not JSON', cause);
  }
  const parsed = FileLine.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(number, `${issue?.path.join('.') || 'line'}: ${issue?.message}`);
}

/** The lines of a compressed file, never holding more than one. */
async function* split(file: string): AsyncGenerator<Buffer> {
  const unzip = createReadStream(file).pipe(createGunzip());
  let parts: Buffer[] = [];
  let size = 0;
  let number = 1;
  try {
    for await (const chunk of unzip as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        parts.push(chunk.subarray(start, end));
        yield Buffer.concat(parts);
        parts = [];
        size = 0;
        number += 1;
        start = end + 1;
      }
      parts.push(chunk.subarray(start));
      size += chunk.length - start;
      if (size > longestLine(number)) throw invalid(number, 'it is too long');
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw invalid(number, 'the file is damaged, or not one that was exported', error);
  } finally {
    unzip.destroy();
  }
  if (size > 0) yield Buffer.concat(parts);
}
