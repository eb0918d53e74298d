import { readScratchFile } from '../repo/scratch-file.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** Small files of the relay's own in a machine, which go where the machine goes. Who works in it can change them. */

const MOST_BYTES = 32 * 1024;

/** Never more than its first 32 KiB, whatever is there by now. @returns undefined only where there certainly is none */
export const readRecord = (sandbox: Sandbox, name: string): Promise<string | undefined> =>
  readScratchFile(sandbox, name, MOST_BYTES);

export const writeRecord = (sandbox: Sandbox, name: string, text: string): Promise<void> =>
  sandbox.putScratch(name, Buffer.from(text));
