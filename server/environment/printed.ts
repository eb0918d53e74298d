import type { BoundedOutput } from '../sandbox/sandbox.ts';

/** The end of what was printed, as text; what is missing before it is said. */
export function endOf({ head, tail, omittedBytes }: BoundedOutput): string {
  const whole = omittedBytes === 0 ? Buffer.concat([head, tail]) : tail;
  const text = new TextDecoder().decode(whole).replace(/\n+$/, '');
  return omittedBytes === 0 ? text : `[${omittedBytes + head.byteLength} bytes left out]\n${text}`;
}

/** The last `length` characters, from the beginning of a line where there is one. */
export function lastOf(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = text.slice(-length).toWellFormed();
  return end.slice(end.indexOf('\n') + 1);
}
