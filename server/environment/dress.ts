import type { BoundedOutput, ExecRequest, Sandbox } from '../sandbox/sandbox.ts';
import { createMask, type Mask, type Secret } from './mask.ts';

/** What a task's commands find in their environment, beyond the machine's own. */
export interface Dress {
  env: Record<string, string>;
  /** Placed into the environment too, and struck out of what commands print. */
  secrets: readonly Secret[];
  /** Struck out as well, under the name of the variable that they are part of. */
  hidden?: readonly Secret[];
}

/**
 * Begin the ids of the relay's own scripts, which put the workspace in and take it out: they run in no dress, for nothing of a
 * repository is to change what they do, and a short secret could be part of the object names that they print.
 */
const OWN_SCRIPTS = ['checkout:', 'capture:'];

/**
 * The same machine with `env` and `secrets` in the environment of every command, and the secrets' values struck out of all that
 * commands print, live, returned or read later, and of what is found in files by `grep`.
 *
 * `readFile` gives files as they are: an edit is made of what was read, and would write the mask into the file. A secret gets into
 * a file only where a command put it there. Whoever shows a file to a model strikes it out with `createMask`.
 */
export function dress(sandbox: Sandbox, { env, secrets, hidden = [] }: Dress): Sandbox {
  const more = { ...env, ...Object.fromEntries(secrets.map(({ name, value }) => [name, value])) };
  if (Object.keys(more).length === 0) return sandbox;
  const mask = createMask([...secrets, ...hidden]);
  const withEnv = (request: ExecRequest): ExecRequest => ({ ...request, env: { ...more, ...request.env } });
  if (mask === undefined) {
    return {
      ...sandbox,
      exec: (request, options) => sandbox.exec(isOwn(request.execId) ? request : withEnv(request), options),
    };
  }
  return {
    ...sandbox,
    exec: (request, options) =>
      isOwn(request.execId)
        ? sandbox.exec(request, options)
        : execMasked(sandbox, mask, withEnv(request), options),
    async readOutput(execId, stream, { offset, length }) {
      // What is beside the range decides what in it belongs to a secret; its length stays, so that offsets go on meaning the same.
      const from = Math.max(0, offset - mask.reach);
      const before = offset - from;
      const read = await sandbox.readOutput(execId, stream, {
        offset: from,
        length: before + length + mask.reach,
      });
      return { data: mask.inPlace(read.data).subarray(before, before + length), size: read.size };
    },
    async grep(request) {
      const { matches, truncated } = await sandbox.grep(request);
      return { matches: matches.map((match) => ({ ...match, text: mask.text(match.text) })), truncated };
    },
  };
}

const isOwn = (execId: string): boolean => OWN_SCRIPTS.some((prefix) => execId.startsWith(prefix));

async function execMasked(
  sandbox: Sandbox,
  mask: Mask,
  request: ExecRequest,
  { onOutput, ...options }: NonNullable<Parameters<Sandbox['exec']>[1]> = {},
): ReturnType<Sandbox['exec']> {
  const streams = { stdout: mask.stream(), stderr: mask.stream() };
  const pass = (name: 'stdout' | 'stderr', data: Uint8Array): void => {
    if (data.byteLength > 0) onOutput?.({ name, data });
  };
  const result = await sandbox.exec(request, {
    ...options,
    ...(onOutput === undefined ? {} : { onOutput: ({ name, data }) => pass(name, streams[name].push(data)) }),
  });
  for (const name of ['stdout', 'stderr'] as const) pass(name, streams[name].flush());
  return { ...result, stdout: masked(mask, result.stdout), stderr: masked(mask, result.stderr) };
}

/** The mask may be longer or shorter than what it covers; what was left out is counted as it was. */
function masked(mask: Mask, { head, tail, omittedBytes }: BoundedOutput): BoundedOutput {
  if (omittedBytes === 0) {
    return { head: mask.whole(Buffer.concat([head, tail])), tail: new Uint8Array(), omittedBytes };
  }
  return { head: mask.beforeOmission(head), tail: mask.afterOmission(tail), omittedBytes };
}
