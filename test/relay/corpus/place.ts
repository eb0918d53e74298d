import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { FIXTURE_IDENTITY, ISOLATED_GIT } from '../../fakes/git.ts';

/** A folder that a repository is made in. Names are bytes (as `Buffer`) where they are not UTF-8. */
export interface Place {
  folder: string;
  write(name: string | Buffer, content: string | Uint8Array, mode?: number): void;
  link(name: string, target: string): void;
  remove(name: string): void;
  git(...args: string[]): Promise<string>;
  /** The same in bytes. */
  pipe(args: string[], input?: Uint8Array): Promise<Buffer>;
  /** Runs a script of the shell's in the folder, as the agent would. */
  run(script: string): Promise<void>;
}

/** What keeps every byte as it is, whatever the repository's own attributes say. */
export const BYTE_EXACT = '* -text -eol -filter -ident -working-tree-encoding\n';

export function placeAt(folder: string): Place {
  const at = (name: string | Buffer): Buffer => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]);
  const makeRoom = (file: Buffer) => mkdirSync(file.subarray(0, file.lastIndexOf('/')), { recursive: true });
  const execute = (program: string, args: string[], input?: Uint8Array): Promise<Buffer> => {
    const env = {
      PATH: process.env['PATH'],
      HOME: folder,
      LC_ALL: 'C',
      ...ISOLATED_GIT,
      ...FIXTURE_IDENTITY,
    };
    const child = spawn(program, args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
    const printed: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
    child.stdin.end(input);
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) =>
        code === 0
          ? resolve(Buffer.concat(printed))
          : reject(new Error(`${program} ${args[0]} ended with ${code}`)),
      );
    });
  };
  return {
    folder,
    write(name, content, mode = 0o644) {
      makeRoom(at(name));
      writeFileSync(at(name), content);
      chmodSync(at(name), mode);
    },
    link(name, target) {
      makeRoom(at(name));
      symlinkSync(target, at(name));
    },
    remove: (name) => rmSync(at(name), { recursive: true }),
    git: async (...args) => (await execute('git', args)).toString().trim(),
    pipe: (args, input) => execute('git', args, input),
    run: async (script) => void (await execute('bash', ['--norc', '-euc', script])),
  };
}
