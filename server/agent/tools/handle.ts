/**
 * Names what a call left, for `read`: `output://<callId>` is its result as it was; with a part behind it, what its result is only a
 * part of: `stdout` and `stderr` of a command, `page` of what was fetched.
 */
export interface Handle {
  callId: string;
  part: string | undefined;
}

const SCHEME = 'output://';

export const handleOf = (callId: string, part?: string): string =>
  part === undefined ? `${SCHEME}${callId}` : `${SCHEME}${callId}/${part}`;

/** Undefined for what is a path. */
export function parseHandle(path: string): Handle | undefined {
  if (!path.startsWith(SCHEME)) return undefined;
  const [callId = '', part] = path.slice(SCHEME.length).split('/');
  return { callId, part: part === '' ? undefined : part };
}

/** The command in the sandbox that a call of `bash` started. One in the background has a name that begins no other's, so that it can be ended alone. */
export const execIdOf = (callId: string, isBackground: boolean): string =>
  isBackground ? `${callId}:background` : callId;
