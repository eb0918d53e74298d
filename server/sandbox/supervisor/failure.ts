import { SandboxError, type SandboxErrorCode } from '../sandbox.ts';

const CODES: Record<string, SandboxErrorCode> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EISDIR: 'is-directory',
  EACCES: 'permission',
  EPERM: 'permission',
  EROFS: 'permission',
  EEXIST: 'exists',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EFBIG: 'no-space',
  /** A symbolic link where, a moment ago, there was none: somebody is racing the path check. */
  ELOOP: 'changed',
};

const SENTENCES: Partial<Record<SandboxErrorCode, string>> = {
  'not-found': 'does not exist',
  'is-directory': 'is a folder, not a file',
  permission: 'may not be accessed',
  exists: 'exists already',
  'no-space': 'does not fit: the disk or a file size limit is full',
  changed: 'changed while it was being opened; try again',
};

/** Any failure of a file operation, as one that names the path and tells what to do. */
export function fileFailure(error: unknown, path: string): SandboxError {
  if (error instanceof SandboxError) return error;
  const errno = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const code = CODES[errno] ?? 'failed';
  return new SandboxError(code, `${path} ${SENTENCES[code] ?? `cannot be used (${errno})`}.`, {
    cause: error,
  });
}
