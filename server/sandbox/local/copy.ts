import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { relative } from 'node:path';
import { promisify } from 'node:util';
import { SandboxError } from '../sandbox.ts';
import { type Files, filesAt } from './layout.ts';
import { withMounts } from './mounts.ts';
import type { Workshop } from './prepare.ts';

const run = promisify(execFile);

/** Keeps owners, modes, times, links and attributes, and shares the blocks where the file system can. */
const CP = ['/bin/cp', '--archive', '--reflink=auto', '--'];

/** Copies the files of a sandbox that sleeps to a folder that is there. @throws SandboxError */
export async function copyFiles({ workspace, home, scratch }: Files, to: string): Promise<void> {
  await copying([...CP, workspace, home, scratch, `${to}/`]);
}

/** Makes one layer of many that lie upon each other, the uppermost first, in a folder that is there. @throws SandboxError */
export async function copyMerged(shop: Workshop, layers: string[], to: string): Promise<void> {
  const { host, layout } = shop;
  const overlay = {
    from: layout.sandboxes,
    options: `lowerdir=${layers.map((layer) => `.layers/${layer}`).join(':')}`,
    at: relative(layout.sandboxes, `${to}.view`),
  };
  fs.mkdirSync(`${to}.view`);
  const { workspace, home, scratch } = filesAt(`${to}.view`);
  await copying(withMounts(host, { overlay }, [...CP, workspace, home, scratch, `${to}/`])).finally(() =>
    fs.rmdirSync(`${to}.view`),
  );
}

async function copying([file = '', ...args]: string[]): Promise<void> {
  try {
    await run(file, args, { cwd: '/', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } });
  } catch (cause) {
    throw new SandboxError('failed', "The sandbox's files could not be copied.", {
      cause,
      nextAction:
        'Check that the disk of the data folder (HANDOFF_DATA) has room, and that the files can be read.',
    });
  }
}
