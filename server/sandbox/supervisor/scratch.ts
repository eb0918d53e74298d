import fs from 'node:fs';
import { SandboxError } from '../sandbox.ts';
import { type CallOf, CHUNK } from '../supervised/wire.ts';
import { fileFailure } from './failure.ts';

/** The relay's own files, in pieces so that neither side ever holds more than one piece. */
export interface Scratch {
  put(call: CallOf<'putScratch'>, piece: Buffer): { value: object };
  /** Answers one piece, and whether there is more. */
  get(call: CallOf<'getScratch'>): { value: { size: number }; body: Buffer };
}

export function scratchFiles(folder: string): Scratch {
  return {
    put({ name, offset, last }, piece) {
      const path = `${folder}/${plain(name)}`;
      const partial = `${path}.part`;
      try {
        if (offset === 0) fs.rmSync(partial, { force: true, recursive: true });
        const fd = fs.openSync(
          partial,
          fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_NOFOLLOW,
          0o644,
        );
        try {
          for (let at = 0; at < piece.length; )
            at += fs.writeSync(fd, piece, at, piece.length - at, offset + at);
        } finally {
          fs.closeSync(fd);
        }
        if (last) fs.renameSync(partial, path);
        return { value: {} };
      } catch (error) {
        throw fileFailure(error, name);
      }
    },
    get({ name, offset }) {
      try {
        const flags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
        const fd = fs.openSync(`${folder}/${plain(name)}`, flags);
        try {
          const { size } = fs.fstatSync(fd);
          const body = Buffer.allocUnsafe(Math.max(0, Math.min(CHUNK, size - offset)));
          const got = body.length === 0 ? 0 : fs.readSync(fd, body, 0, body.length, offset);
          return { value: { size }, body: body.subarray(0, got) };
        } finally {
          fs.closeSync(fd);
        }
      } catch (error) {
        throw fileFailure(error, name);
      }
    },
  };
}

function plain(name: string): string {
  if (name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)) return name;
  throw new SandboxError('failed', 'The name of a scratch file is not empty and has no slash.');
}
